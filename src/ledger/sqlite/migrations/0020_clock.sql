-- What the clocks showed when it was last noted. Due times are times of the clock on the wall; when that was set, they are moved with it.
CREATE TABLE clock (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  -- The clock on the wall, in microseconds since 1970.
  wall    INTEGER NOT NULL,
  -- The machine's own clock, and what it counts from.
  run     BLOB,
  micros  INTEGER,
  -- Until then nothing is dropped for its age: the clock on the wall went forward by more than can be believed at once.
  doubted INTEGER
) STRICT;
