-- Sign-ins. The refresh token is sealed with a key that is not in this file.
CREATE TABLE sign_in (
  account   TEXT PRIMARY KEY,
  sealed    BLOB,
  -- SHA-256 of the configured refresh token that it descends from.
  origin    BLOB,
  issued    INTEGER,
  signed_in INTEGER,
  -- When an access token was last granted.
  refreshed INTEGER,
  -- Since when it needs a person, and why.
  refused   INTEGER,
  refusal   TEXT
) STRICT;
-- The table `token` of the first schema holds tokens that are not sealed yet; it goes when they are (plain_tokens.rs).
