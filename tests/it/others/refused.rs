//! Last touches that a server refuses, for want of room or of rights.
