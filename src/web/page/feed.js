// SPDX-License-Identifier: GPL-3.0-or-later
// The line to vidriera: GET /api/jobs, then GET /events from there, and all of it again when it breaks.
"use strict";

const Feed = (() => {
    let source = null, timer = 0;
    let turn = 0; // an answer to an earlier one comes too late

    const hush = () => {
        turn++;
        clearTimeout(timer);
        if (source)
            source.close();
        source = null;
    };

    const later = (milliseconds, text) => {
        hush();
        feed.lost(text);
        timer = setTimeout(listen, milliseconds);
    };

    // The answer and its document; null: nobody answers.
    const look = async () => {
        try {
            const answer = await fetch("/api/jobs", {credentials: "same-origin", signal: AbortSignal.timeout(20000)});
            return {status: answer.status, news: answer.ok ? await answer.json() : null};
        } catch {
            return null;
        }
    };

    const follow = (news) => {
        const own = new EventSource(`/events?since=${news.version}`);
        own.onmessage = (event) => feed.take(JSON.parse(event.data));
        own.onerror = () => {
            if (own === source)
                later(2000, "connection lost");
        };
        source = own;
        feed.take(news);
    };

    // There is one source at most: whoever begins to listen ends what was before.
    const listen = async () => {
        hush();
        const mine = turn;
        const first = await look();
        if (mine !== turn)
            return;
        if (!first)
            later(2000, "no answer");
        else if (first.news)
            follow(first.news);
        else if (first.status !== 401)
            later(5000, `the answer was ${first.status}`);
        else {
            feed.lost("signed out");
            feed.refused();
        }
    };

    addEventListener("pagehide", hush);
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

    const feed = {listen, take: null, lost: null, refused: null}; // the page sets what is to be done
    return feed;
})();
