"""What the pages that span the floors show, as plain values for their templates."""
