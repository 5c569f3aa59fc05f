-- How much came from whom, and went to whom. A row is something that happened at a gate, or a place kept for a job that waits there.
-- job: the row of the job.
CREATE TABLE rated (
  id    INTEGER PRIMARY KEY,
  gate  TEXT NOT NULL,
  job   INTEGER NOT NULL,
  begun INTEGER NOT NULL CHECK (begun IN (0, 1)),
  at    INTEGER NOT NULL
) STRICT;
CREATE INDEX rated_gate ON rated (gate, at, begun);
CREATE INDEX rated_job ON rated (job);
CREATE INDEX rated_at ON rated (at);
