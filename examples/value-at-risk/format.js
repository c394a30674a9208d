/** Numbers as the example prints them; the same on every machine, whatever its language. */
const counts = new Intl.NumberFormat('en');
const percentages = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});

export const formatCount = number => counts.format(number);

/** 0.1234 -> `12.34 %` */
export const formatShare = share => `${percentages.format(share * 100)} %`;

/** @param {number} duration in ms */
export const formatSeconds = duration => `${(duration / 1000).toFixed(1)} s`;
