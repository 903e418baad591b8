"""How the page looks: one style sheet, colours as variables, which the dark scheme sets anew."""

STYLE = """\
:root{color-scheme:light dark;--bg:#fafaf8;--card:#fff;--line:#dcdcd4;--ink:#1d1f21;--soft:#5c6066;--link:#1f5fa8;
--ok:#1b7a3d;--okb:#e3f3e7;--red:#b3261e;--redb:#fbe4e2;--known:#8a5a00;--knownb:#fbefd5;--open:#5c6066;--openb:#ecece8;
--bar:#d5e3f5;--barline:#7fa3cf;--event:#1f5fa8;--log:#8b9097;--talk:#0f7b75;--note:#8a5a00;--signal:#7a2fb0}
@media(prefers-color-scheme:dark){:root{--bg:#141618;--card:#1d2023;--line:#363b40;--ink:#e6e6e3;--soft:#a4a9af;
--link:#8dbdf5;--ok:#74d091;--okb:#183323;--red:#ff9a90;--redb:#46201d;--known:#eebb5c;--knownb:#3a2d12;--open:#a4a9af;
--openb:#2a2e32;--bar:#24364c;--barline:#4d6f99;--event:#8dbdf5;--log:#7d848c;--talk:#5cc8c0;--note:#eebb5c;
--signal:#cf9bf5}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,header,footer{max-width:74rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.35rem;margin:2.6rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
a{color:var(--link)}
p{margin:.4rem 0}
code,pre,.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
.id{overflow-wrap:anywhere}
.soft,small{color:var(--soft)}
nav{margin:.8rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,17rem),1fr));gap:1rem;margin:1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.9rem 1rem}
.card h3{margin:0;display:flex;justify-content:space-between;gap:.5rem;align-items:baseline}
.card dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem .8rem;margin:.5rem 0 0;font-size:.9rem}
.card dt{color:var(--soft)}
.card dd{margin:0;overflow-wrap:anywhere}
.share{display:flex;height:.6rem;border-radius:.3rem;overflow:hidden;margin:.6rem 0;background:var(--openb);gap:1px}
.share span{min-width:3px}
.share .ok{background:var(--ok)}.share .red{background:var(--red)}.share .known{background:var(--known)}
.share .open{background:var(--line)}
.wide{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;width:100%;background:var(--card);font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border:1px solid var(--line)}
thead th{background:var(--openb);white-space:nowrap}
tbody th{font-weight:normal}
th small{display:block;min-width:13rem}
td{white-space:nowrap}
td.ok{background:var(--okb);color:var(--ok)}td.red{background:var(--redb);color:var(--red);font-weight:600}
td.known{background:var(--knownb);color:var(--known)}td.open{color:var(--open)}
td.list{white-space:normal;min-width:11rem}
.v{display:inline-block;border-radius:.3rem;padding:0 .45rem;font-size:.84rem;white-space:nowrap}
.v.ok{background:var(--okb);color:var(--ok)}.v.red{background:var(--redb);color:var(--red);font-weight:600}
.v.known{background:var(--knownb);color:var(--known)}.v.open{background:var(--openb);color:var(--open)}
details{border:1px solid var(--line);border-radius:.5rem;background:var(--card);margin:.35rem 0;padding:0 .8rem}
summary{cursor:pointer;padding:.45rem 0}
summary:focus-visible,a:focus-visible,.wide:focus-visible,.tl:focus-visible,input:focus-visible{outline:2px solid
var(--link);outline-offset:2px}
.what{display:inline-flex;flex-wrap:wrap;gap:.15rem .6rem;align-items:baseline;vertical-align:top;
width:calc(100% - 1.4rem)}
.what .title{flex:1 1 18rem}
details details{background:var(--bg);margin:.3rem 0}
details>:last-child{margin-bottom:.7rem}
pre{overflow-x:auto;background:var(--openb);padding:.6rem .7rem;border-radius:.4rem;line-height:1.4;margin:.4rem 0}
.tl{overflow-x:auto;margin:.5rem 0;background:var(--card);border-radius:.4rem}
svg{display:block;width:100%;min-width:56rem;height:auto}
svg text{font:10px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}
svg path{fill:none;stroke-width:1}
svg .p{fill:var(--soft)}svg .m{text-anchor:end}
svg .a{stroke:var(--line)}svg .c{fill:var(--openb);opacity:.6}
svg .b{fill:var(--bar);stroke:var(--barline)}svg .d{stroke:var(--ink);stroke-width:2.5}
svg .e{stroke:var(--event)}svg .l{stroke:var(--log)}svg .t{stroke:var(--talk);stroke-width:1.6}
svg .n{stroke:var(--note);stroke-width:1.6}svg .s{stroke:var(--ink)}
svg .g{stroke:var(--signal);stroke-width:1.4}svg text.g{stroke:none;fill:var(--signal);font-weight:700}
svg .x{stroke:var(--red);fill:none;stroke-dasharray:4 3}svg circle.x{fill:var(--red);stroke:none}
svg .X{stroke:var(--card);stroke-width:1.8}svg text.f{fill:var(--red);font-weight:700}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.88rem;color:var(--soft);padding:0;list-style:none}
.key i{display:inline-block;width:.3rem;height:.85rem;margin-right:.4rem;vertical-align:-.1rem}
.only{display:none;margin:.8rem 0;gap:.5rem;align-items:center}
@supports selector(:has(*)){.only{display:flex}body:has(#only:checked) .fine{display:none}}
footer{margin:3rem auto;color:var(--soft);font-size:.9rem}
@media print{details{break-inside:avoid}}
@media(max-width:40rem){body{font-size:15px}h1{font-size:1.5rem}details{padding:0 .6rem}}
"""
