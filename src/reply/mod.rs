//! The reply room.
