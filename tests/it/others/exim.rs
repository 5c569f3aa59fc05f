//! Replies through Exim: how one signs in, how large a mail may be, and addresses beyond ASCII.
