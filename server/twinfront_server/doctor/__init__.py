"""`twinfront doctor`: tells in words what would keep a server from serving, before or beside it."""
