"""What pages, admin and API of every floor start from: base classes, dialogs, permissions, idempotency."""
