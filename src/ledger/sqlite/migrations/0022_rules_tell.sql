-- What happened is written by the rules, with the transaction's own time, and not by triggers.
DROP TRIGGER job_ends_badly;
DROP TRIGGER job_is_born_held;
DROP TRIGGER job_is_paused;
DROP TRIGGER job_is_done_without_an_answer;
DROP TRIGGER event_is_old;
DROP TRIGGER event_of_new_job;
DROP TRIGGER event_of_job;
DROP TRIGGER event_of_reply;
DROP TRIGGER event_of_unsure_reply;
DROP TRIGGER event_of_place;
DROP TRIGGER event_of_pause;
DROP TRIGGER event_of_resume;
DROP TRIGGER job_opens_again;
DROP TRIGGER job_comes_later;
DROP TRIGGER reply_opens_again;
