-- Someone who left and whose data was erased: nothing of the row stays but that no text goes to this number, and the number only as a hash.
alter table sms_subscribers add column phone_hash text;
create unique index sms_subscribers_phone_hash on sms_subscribers (phone_hash);
