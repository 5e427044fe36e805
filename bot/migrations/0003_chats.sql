-- Up to which message each Telegram chat was read, so that nothing is missed while the bot is down.

CREATE TABLE chats (
    chat       text PRIMARY KEY,
    message_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What is no signal is kept as well.
ALTER TABLE signals DROP CONSTRAINT signals_verdict_check;
ALTER TABLE signals ADD CONSTRAINT signals_verdict_check
    CHECK (verdict IN ('accepted', 'refused', 'unreadable', 'ignored'));
