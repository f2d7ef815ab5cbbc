/**
 * @file Markdown and HTML that would run, fetch or deceive if it were rendered carelessly. Script sets `scriptRan`, and
 * requests go to example.org.
 */
const RUN = 'window.scriptRan=1';

const ELEMENTS = [
  `<script>${RUN}</script>`,
  `<script src="https://example.org/x.js"></script>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `<img src="https://example.org/a.png" onerror="${RUN}">`,
  `<img src=x onerror=${RUN}>`,
  `<IMG """><SCRIPT>${RUN}</SCRIPT>">`,
  `<img srcset="https://example.org/b.png 2x">`,
  `<picture><source srcset="https://example.org/c.png"><img></picture>`,
  `<svg onload="${RUN}"><image href="https://example.org/d.png"/></svg>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<svg><use href="https://example.org/e.svg#x"/></svg>`,
  `<svg><foreignObject><iframe src="javascript:${RUN}"></iframe></foreignObject></svg>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${RUN}&gt;">`,
  `<math href="javascript:${RUN}">CLICK</math>`,
  `<iframe src="https://example.org/"></iframe>`,
  `<iframe srcdoc="<script>parent.scriptRan=1</script>"></iframe>`,
  `<object data="https://example.org/"></object><embed src="https://example.org/f.swf">`,
  `<video poster="https://example.org/g.png" src="https://example.org/g.mp4"></video>`,
  `<audio src="https://example.org/h.mp3" autoplay onplay="${RUN}"></audio>`,
  `<link rel="stylesheet" href="https://example.org/i.css">`,
  `<link rel="prefetch" href="https://example.org/j"><link rel="dns-prefetch" href="//example.org">`,
  `<meta http-equiv="refresh" content="0;https://example.org/">`,
  `<base href="https://example.org/">`,
  `<style>@import "https://example.org/k.css"; body { display: none }</style>`,
  `<p style="background: url(https://example.org/l.png)">styled</p>`,
  `<div style="position:fixed;inset:0;z-index:9999;background:red">over everything</div>`,
  `<form action="https://example.org/"><button>post</button></form>`,
  `<input autofocus onfocus="${RUN}">`,
  `<select autofocus onfocus=${RUN}><textarea autofocus onfocus=${RUN}>`,
  `<details open ontoggle="${RUN}">open</details>`,
  `<marquee onstart="${RUN}">moving</marquee>`,
  `<body onload="${RUN}" background="https://example.org/m.png">`,
  `<template><img src=x onerror=${RUN}></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>"></noscript>`,
  `<textarea><img title="</textarea><img src=x onerror=${RUN}>"></textarea>`,
  `<title><img title="</title><img src=x onerror=${RUN}>"></title>`,
  `<xmp><p title="</xmp><img src=x onerror=${RUN}>"></xmp>`,
  `<form id="location"><input name="cookie"></form><a id="scriptRan">clobbered</a>`,
  `<a name="body"></a><img name="getElementById">`,
  `<custom-element onclick="${RUN}" is="x">custom</custom-element>`,
  `<button popovertarget=x>pop</button><div popover id=x onbeforetoggle=${RUN}>x</div>`,
  `<!--[if gte IE 4]><script>${RUN}</script><![endif]-->`,
  `<![CDATA[<script>${RUN}</script>]]>`,
  `<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"><script>${RUN}</script></x>`,
  `<br onclick="${RUN}"><em onmouseover="${RUN}">hover</em><kbd style="color:red">k</kbd>`,
];

const LINKS = [
  `<a href="jAvAsCrIpT:${RUN}" onclick="${RUN}">click</a>`,
  `[run](javascript:${RUN})`,
  `[run](JAVASCRIPT:${RUN})`,
  `[run](java\tscript:${RUN})`,
  `[run](&#106;avascript:${RUN})`,
  `[run](javascript&colon;${RUN})`,
  `[run](\u0001javascript:${RUN})`,
  `[run](<javascript:${RUN}>)`,
  `[data](data:text/html,<script>${RUN}</script>)`,
  `[data](data:text/html;base64,PHNjcmlwdD5zY3JpcHRSYW49MTwvc2NyaXB0Pg==)`,
  `[vb](vbscript:msgbox) [blob](blob:https://example.org/1) [file](file:///etc/passwd)`,
  `<javascript:${RUN}>`,
  `[ref]\n\n[ref]: javascript:${RUN}`,
  `[title](https://example.org/ "\\" onmouseover=\\"${RUN}")`,
  `[relative](/settings) [none]() [fragment](#lesson=evil)`,
  `[nested [run](javascript:${RUN})](https://example.org/)`,
];

const MARKDOWN = [
  `![picture](https://example.org/n.png)`,
  `![picture](https://example.org/o.png "title" onerror=${RUN})`,
  `[![picture](https://example.org/p.png)](https://example.org/)`,
  `![x](x"onerror="${RUN})`,
  `![ref][p]\n\n[p]: https://example.org/q.png`,
  '```html\n<script>window.scriptRan=1</script>\n```',
  '```"><img src=x onerror=window.scriptRan=1>\ncode\n```',
  '`<img src=x onerror=window.scriptRan=1>`',
  `| <img src=x onerror=${RUN}> | b |\n| --- | --- |\n| <script>${RUN}</script> | ![](https://example.org/r.png) |`,
  `> <iframe src="javascript:${RUN}">`,
  `1. <svg/onload=${RUN}>\n2. <b onclick=${RUN}>x</b>`,
  `<b>a\n\n<img src=x onerror=${RUN}>\n\n</b>`,
];

const FORMULAS = [
  `$\\href{javascript:${RUN}}{click}$`,
  `$\\url{javascript:${RUN}}$`,
  `$\\includegraphics{https://example.org/s.png}$`,
  `$\\htmlStyle{background:url(https://example.org/t.png)}{x}$`,
  `$\\htmlClass{x" onclick="${RUN}}{y}$ $\\htmlId{scriptRan}{z}$ $\\htmlData{a=b}{c}$`,
  `$$\\text{<img src=x onerror=${RUN}>}$$`,
  '$$\\def\\a{\\a\\a}\\a$$',
  `$\\unknown{<script>${RUN}</script>}$`,
];

/** Tests stream each payload in small pieces, so that rendering stops in the middle of tags, too. */
export const XSS_PAYLOADS: readonly string[] = [...ELEMENTS, ...LINKS, ...MARKDOWN, ...FORMULAS];
