/** The byte that ends each line of a log. No other byte of a line has this value. */
export const lineFeed = 0x0a;
