"""Several runs side by side: does ELA help, and what is a protocol worth?"""
