"""Objects that live in pooled processes and are called from any process and thread; `services.Services` is the door."""
