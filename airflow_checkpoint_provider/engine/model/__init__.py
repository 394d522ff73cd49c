"""The words of the engine: values without a database behind them."""
