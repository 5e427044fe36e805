-- What an entry became after it was placed, who may trade, and whether anybody may.

ALTER TABLE orders
    ADD COLUMN targets    numeric[] NOT NULL DEFAULT '{}',
    ADD COLUMN leverage   integer CHECK (leverage > 0),
    ADD COLUMN expires_at timestamptz,  -- until when the entry may rest; none: for ever
    ADD COLUMN closed_at  timestamptz,  -- when what was filled had been closed again, and its stops were gone
    ADD COLUMN lease_epoch bigint;      -- of the instance that committed the intent

-- Those of which nobody knows more are taken as closed; the bot looks at positions, and tells of foreign ones.
UPDATE orders SET closed_at = now() WHERE state NOT IN ('intent', 'unknown', 'pending');

DROP INDEX orders_unsettled;
CREATE INDEX orders_live ON orders (id) WHERE
    state IN ('intent', 'unknown', 'pending')
    OR (closed_at IS NULL AND (state = 'filled' OR filled_quantity > 0));
-- So that the latest failures are counted without reading all of a large table.
CREATE INDEX orders_placed ON orders (id) WHERE state IN ('pending', 'filled', 'cancelled');

-- The last row is what holds; the others say who changed it before, and why.
CREATE TABLE switch (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    level       smallint NOT NULL CHECK (level BETWEEN 0 AND 3),
    reason      text NOT NULL,
    who         text NOT NULL,
    size_factor numeric NOT NULL DEFAULT 1 CHECK (size_factor > 0 AND size_factor <= 1),
    symbols     text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE lease (
    only_row bool PRIMARY KEY DEFAULT true CHECK (only_row),
    holder   text NOT NULL,
    epoch    bigint NOT NULL,
    until    timestamptz NOT NULL
);
INSERT INTO lease (holder, epoch, until) VALUES ('nobody', 0, now());

-- The one account whose orders stand here, and what its balance should be by what the exchange told of income.
CREATE TABLE account (
    only_row         bool PRIMARY KEY DEFAULT true CHECK (only_row),
    mode             text NOT NULL,
    uid              text NOT NULL,
    expected_balance numeric,
    expected_at      timestamptz
);
