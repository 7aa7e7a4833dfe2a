-- Where the store of this database was moved to; a row here means that no node serves it any more.
CREATE TABLE moved (
    one bigint PRIMARY KEY CHECK (one = 1),
    moved_to text NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
);
