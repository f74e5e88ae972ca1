-- How often a page's row was written, counted here whoever writes: the same number means the same page. What is kept of it in memory is compared by that.
alter table wtaf_content add column if not exists revision bigint not null default 0;

create or replace function wtaf_revise() returns trigger language plpgsql set search_path = '' as $$
begin
    new.revision = old.revision + 1;
    return new;
end
$$;
revoke all on function wtaf_revise() from public;
drop trigger if exists wtaf_content_revise on wtaf_content;
create trigger wtaf_content_revise before update on wtaf_content for each row execute function wtaf_revise();

do $$
declare browsing text;
begin
    foreach browsing in array array['anon', 'authenticated'] loop
        if exists (select 1 from pg_roles where rolname = browsing) then
            execute format('revoke all on function wtaf_revise() from %I', browsing);
        end if;
    end loop;
end
$$;
