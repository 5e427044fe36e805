-- Signals as they came, with what was decided; and the orders that some of them became.

CREATE TABLE signals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at  timestamptz NOT NULL DEFAULT now(),
    source      text NOT NULL,
    chat        text NOT NULL,
    message_id  text NOT NULL,
    message     text NOT NULL,
    verdict     text NOT NULL CHECK (verdict IN ('accepted', 'refused', 'unreadable')),
    reason      text,
    UNIQUE (source, chat, message_id),
    CHECK ((verdict = 'accepted') = (reason IS NULL))
);
CREATE INDEX signals_created_at ON signals (created_at);

CREATE TABLE orders (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    signal_id       bigint NOT NULL REFERENCES signals,
    client_id       text NOT NULL UNIQUE CHECK (client_id ~ '^[a-z0-9]{1,40}$'),
    source          text NOT NULL,
    symbol          text NOT NULL,
    side            text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity        numeric NOT NULL CHECK (quantity > 0),
    price           numeric NOT NULL CHECK (price > 0),
    stop            numeric NOT NULL CHECK (stop > 0),
    state           text NOT NULL CHECK (
        state IN ('intent', 'unknown', 'pending', 'filled', 'cancelled', 'rejected', 'not_sent')),
    reason          text,
    exchange_id     text,
    filled_quantity numeric NOT NULL DEFAULT 0,
    average_price   numeric
);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_signal_id ON orders (signal_id);
CREATE INDEX orders_unsettled ON orders (id) WHERE state IN ('intent', 'unknown', 'pending');
