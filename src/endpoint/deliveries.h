/*
 * deliveries: the dead letters: events that a webhook has refused for good. POST
 * /endpoint/deliveries:
 *
 *   {}            {"after": ID}   lists them, a page at a time
 *   {"retry": ID}                 posts the event once more; removes the letter when it is accepted
 *   {"drop": ID}  {"drop": "all"} removes them
 */
#ifndef MK_ENDPOINT_DELIVERIES_H
#define MK_ENDPOINT_DELIVERIES_H

struct milky_endpoint;
struct mk_call;

void mk_deliveries_run(struct milky_endpoint *endpoint, struct mk_call *call);

#endif
