"""Where vectors lie: the engine of record, and the coarse pass in memory."""
