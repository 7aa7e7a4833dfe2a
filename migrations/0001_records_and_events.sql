-- The store of one service. Plain SQL, no extensions. Keys and values are the bytes of `src/store/rows/encoding.rs`; bytea
-- sorts as unsigned bytes, so secondary indexes are rows of the same table.

CREATE TABLE record (
    key bytea PRIMARY KEY,
    value bytea NOT NULL
);

-- The log: numbered from 1 without gaps, each with the salt of its commitment.
CREATE TABLE event (
    number bigint PRIMARY KEY,
    event text NOT NULL,
    salt bytea NOT NULL
);

-- One row, locked first by every commit: it puts the commits of all nodes in one order.
CREATE TABLE head (
    one bigint PRIMARY KEY CHECK (one = 1),
    store bytea NOT NULL,
    records_schema bigint NOT NULL,
    sequence bigint NOT NULL,
    root bytea NOT NULL
);

-- The last group of commits of each process: tells whether a COMMIT without an answer was made.
CREATE TABLE writer (
    node bytea PRIMARY KEY,
    last_group bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);

-- Work that one node does for all, and until when.
CREATE TABLE lease (
    name text PRIMARY KEY,
    holder bytea NOT NULL,
    ends_at timestamptz NOT NULL
);

-- Signed status lists that one node leaves for all; they only become newer.
CREATE TABLE shelf (
    list bigint PRIMARY KEY,
    token text NOT NULL,
    signed_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    last_change bigint NOT NULL,
    shown bigint NOT NULL
);

-- Tree heads that were shown: one root a size.
CREATE TABLE tree_head (
    size bigint PRIMARY KEY,
    root bytea NOT NULL
);
