-- The service before ran on PostgreSQL: there is nothing to take over in a file. It stands here so that both databases count alike.
select 1;
