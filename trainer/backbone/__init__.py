"""The network whose features the shipped models build on: made once, frozen, in 8-bit integers."""
