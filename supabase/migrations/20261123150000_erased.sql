-- Someone who left and whose data was erased: nothing of the row stays but that no text goes to this number, and the number only as a hash.
alter table sms_subscribers add column if not exists phone_hash text;
create unique index if not exists sms_subscribers_phone_hash on sms_subscribers (phone_hash);
