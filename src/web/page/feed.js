// SPDX-License-Identifier: GPL-3.0-or-later
// The line to vidriera: GET /api/jobs, then GET /events from there, and all of it again when it breaks.
"use strict";

const Feed = (() => {
    const silent = 45000; // it gives a sign of life every 15 s: nothing for so long, and the line is dead
    let source = null, timer = 0, silence = 0;
    let turn = 0; // an answer to an earlier one comes too late
    let opened = false; // the source was
    let heard = null; // the last sign of life

    const hush = () => {
        turn++;
        clearTimeout(timer);
        clearTimeout(silence);
        if (source)
            source.close();
        source = null;
    };

    // Without a text nothing is lost.
    const later = (milliseconds, text) => {
        hush();
        if (text)
            feed.lost(text, heard);
        timer = setTimeout(listen, milliseconds);
    };

    const hear = () => {
        heard = new Date();
        clearTimeout(silence);
        silence = setTimeout(() => later(0, opened && "connection lost"), silent);
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
        source = own;
        opened = false;
        hear();
        own.onopen = () => {
            opened = true;
            hear();
        };
        own.onmessage = (event) => {
            hear();
            feed.take(JSON.parse(event.data));
        };
        own.addEventListener("alive", hear);
        own.onerror = () => {
            if (own === source && opened)
                later(2000, "connection lost");
            else if (own === source) // there are lines for so many pages: this one asks now and then
                later(5000);
        };
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
            later(5000, `error ${first.status}`);
        else
            feed.refused();
    };

    addEventListener("pagehide", hush);
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

    const feed = {listen, take: null, lost: null, refused: null}; // the page sets what is to be done
    return feed;
})();
