"""Tags, collections, ratings, favourites, notes and named moments."""
