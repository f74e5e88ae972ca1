-- Before all else: what the service before may have left in sms_subscribers that the tables after this cannot hold.
--
-- Of several rows with one number the oldest keeps it. The others keep their slug and their pages; whoever of them had left has left, for it is the
-- number that texts go to. A new database has no such table, and one that was migrated has no such rows: then this does nothing.

do $$
declare
    row_order text;
begin
    if (
        select count(*) from information_schema.columns
        where table_schema = current_schema() and table_name = 'sms_subscribers' and column_name = 'phone_number'
    ) = 0 then
        return;
    end if;
    if not exists (select 1 from sms_subscribers where phone_number is not null group by phone_number having count(*) > 1) then
        return;
    end if;
    alter table sms_subscribers alter column phone_number drop not null;
    if exists (
        select 1 from information_schema.columns
        where table_schema = current_schema() and table_name = 'sms_subscribers' and column_name = 'unsubscribed' and data_type = 'boolean'
    ) then
        execute 'update sms_subscribers s set unsubscribed = true where s.unsubscribed is distinct from true '
            'and exists (select 1 from sms_subscribers other where other.phone_number = s.phone_number and other.unsubscribed)';
    end if;
    row_order := case when exists (
        select 1 from information_schema.columns
        where table_schema = current_schema() and table_name = 'sms_subscribers' and column_name = 'created_at'
    ) then 'created_at nulls last, ctid' else 'ctid' end;
    execute format(
        'update sms_subscribers s set phone_number = null from '
        '(select ctid as place, row_number() over (partition by phone_number order by %s) as n from sms_subscribers where phone_number is not null) d '
        'where d.place = s.ctid and d.n > 1', row_order);
end
$$;
