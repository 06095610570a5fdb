-- The books of the stock, or of the payments. They hold their rules by themselves, whatever a worker
-- asks for; the words of a constraint or a trigger are the reason that people read.

CREATE TABLE IF NOT EXISTS total (
    unit TEXT PRIMARY KEY, -- an item, or a currency
    capacity INTEGER, -- NULL: unlimited
    taken INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "It is sold out." CHECK (0 <= taken AND taken <= capacity)
);

-- Each event happens to a key once. One that was given back without being taken is fenced.
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    key TEXT NOT NULL,
    event TEXT NOT NULL CHECK (
        event IN ('taken', 'given back', 'confirmed', 'picked', 'packed', 'labelled', 'handed over')
    ),
    amount INTEGER NOT NULL, -- of money, in minor units
    unit TEXT NOT NULL,
    note TEXT NOT NULL, -- who has settled it
    UNIQUE (key, event),
    CONSTRAINT "It is not sold in this unit." CHECK (unit GLOB '{unit}' OR amount = 0),
    CONSTRAINT "It is not sold in this amount." CHECK (
        typeof(amount) = 'integer' AND amount >= (event != 'given back')
    )
);

CREATE TRIGGER IF NOT EXISTS fenced BEFORE INSERT ON ledger
WHEN new.event != 'given back'
AND EXISTS (SELECT 1 FROM ledger WHERE key = new.key AND event = 'given back') BEGIN
    SELECT RAISE(ABORT, 'It was cancelled before.');
END;

CREATE TRIGGER IF NOT EXISTS confirmed_if_taken BEFORE INSERT ON ledger
WHEN new.event = 'confirmed'
AND NOT EXISTS (SELECT 1 FROM ledger WHERE key = new.key AND event = 'taken') BEGIN
    SELECT RAISE(ABORT, 'It was never reserved.');
END;

CREATE TRIGGER IF NOT EXISTS shipped_if_confirmed BEFORE INSERT ON ledger
WHEN new.event NOT IN ('taken', 'given back', 'confirmed')
AND NOT EXISTS (SELECT 1 FROM ledger WHERE key = new.key AND event = 'confirmed') BEGIN
    SELECT RAISE(ABORT, 'It is not confirmed.');
END;

-- What is confirmed, and not yet being shipped, is given back if a person has settled that it is not
-- confirmed: the fence then keeps it from being shipped. What has begun to leave stays taken.
CREATE TRIGGER IF NOT EXISTS kept_if_shipped BEFORE INSERT ON ledger
WHEN new.event = 'given back' AND EXISTS (
    SELECT 1 FROM ledger
    WHERE key = new.key AND event NOT IN ('taken', 'given back', 'confirmed')
) BEGIN
    SELECT RAISE(ABORT, 'It is being shipped, and cannot be given back.');
END;

CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON ledger
WHEN new.event IN ('taken', 'given back') AND new.amount > 0 BEGIN
    INSERT INTO total (unit) VALUES (new.unit) ON CONFLICT DO NOTHING;
    UPDATE total SET taken = taken + iif(new.event = 'taken', new.amount, -new.amount)
    WHERE unit = new.unit;
END;

CREATE TRIGGER IF NOT EXISTS not_changed BEFORE UPDATE ON ledger BEGIN
    SELECT RAISE(ABORT, 'The ledger is append-only.');
END;

CREATE TRIGGER IF NOT EXISTS not_deleted BEFORE DELETE ON ledger BEGIN
    SELECT RAISE(ABORT, 'The ledger is append-only.');
END;
