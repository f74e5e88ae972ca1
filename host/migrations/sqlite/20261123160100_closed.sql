-- Who may open the file may read it, and that is its owner alone: there is nobody else to close a table to.
select 1;
