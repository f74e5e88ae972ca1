-- How often a page's row was written, counted here whoever writes: the same number means the same page. What is kept of it in memory is compared by that.
alter table wtaf_content add column revision integer not null default 0;
create trigger wtaf_content_revision after update on wtaf_content for each row when new.revision = old.revision begin
    update wtaf_content set revision = old.revision + 1 where content_id = new.content_id;
end;
