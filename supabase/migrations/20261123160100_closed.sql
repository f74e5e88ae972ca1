-- Closed to those who browse, whatever stood open before: policies and grants of the service before, and what Supabase grants by default on all that is made.
--
-- The engine's own role owns the tables, or bypasses row-level security. There is no function that runs with another's rights (SECURITY DEFINER), and none
-- is to be made: a trigger's function is the only one.

do $$
declare
    ours record;
    browsing text;
begin
    for ours in
        select c.relname, c.relkind from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'S')
            and (
                c.relname in ('sms_subscribers', '_sqlx_migrations') or c.relname like 'wtaf\_%'
                or c.relkind = 'S' and c.relname like 'sms\_subscribers\_%'
            )
    loop
        if ours.relkind = 'S' then
            execute format('revoke all on sequence %I from public', ours.relname);
        else
            execute format('alter table %I enable row level security', ours.relname);
            execute format('revoke all on table %I from public', ours.relname);
        end if;
        foreach browsing in array array['anon', 'authenticated'] loop
            if exists (select 1 from pg_roles where rolname = browsing) then
                execute format(
                    case when ours.relkind = 'S' then 'revoke all on sequence %I from %I' else 'revoke all on table %I from %I' end,
                    ours.relname, browsing);
            end if;
        end loop;
    end loop;

    execute 'revoke all on function wtaf_touch() from public';
    foreach browsing in array array['anon', 'authenticated'] loop
        if exists (select 1 from pg_roles where rolname = browsing) then
            execute format('revoke all on function wtaf_touch() from %I', browsing);
            -- What may be read, once more: revoking a table's rights takes those on its columns with it.
            execute format(
                'grant select (user_slug, app_slug, coach, title, description, html_content, status, type, og_image_url, version, hidden, '
                'created_at, updated_at) on wtaf_content to %I', browsing);
            -- Policies add up: one of the service before that lets everything through would. This one holds for all of them.
            execute format('drop policy if exists %I on wtaf_content', 'wtaf_only_listed_pages_' || browsing);
            execute format(
                'create policy %I on wtaf_content as restrictive for all to %I using (status = ''published'' and not hidden)',
                'wtaf_only_listed_pages_' || browsing, browsing);
        end if;
    end loop;
end
$$;
