#include "client/cli/matrix_page.h"

#include "client/report/markup.h"
#include "proto/marking.h"

#include <stdlib.h>

/* Inline only; the policy of the page itself forbids every request. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1a1c1e;--paper:#fff;--line:#c9ccd1;--soft:#f2f3f5;--dim:#5b6067;"
    "--l1:#dcefe0;--l2:#cfe3f5;--l3:#f6e7a8;--l4:#f7c79a;--l5:#eea0a0}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#16181b;--line:#3c4147;--soft:#22262b;--dim:#a4abb3;"
    "--l1:#1f4a2b;--l2:#1d4266;--l3:#5c4e10;--l4:#6f3f14;--l5:#702828}}"
    "body{font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}"
    "main{display:flex;flex-direction:column;box-sizing:border-box;height:100vh;min-height:36rem;padding:1rem 1.5rem}"
    "h1{font-size:1.4rem;margin:0 0 .3rem}p{margin:.2rem 0;max-width:75rem}.dim{color:var(--dim)}"
    "#top{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:0 1rem}"
    "form,#legend{display:flex;flex-wrap:wrap;gap:.4rem 1rem;margin:.6rem 0 0}label{display:flex;gap:.5rem;align-items:center}"
    "form[hidden]{display:none}#legend{list-style:none;padding:0;font-size:.8rem}#legend b{display:inline-block;min-width:1.5rem;margin-right:.4rem;"
    "padding:.1rem .2rem;text-align:center;border:1px solid var(--line)}"
    "#view{display:flex;flex-direction:column;flex:1 1 auto;min-height:0;gap:.7rem;margin-top:.7rem}"
    "select{font:inherit;color:inherit;background:var(--soft);border:1px solid var(--line);padding:.25rem .5rem;max-width:100%}"
    /* The headings stay where they can be read while the rest moves under them. */
    ".frame{overflow:auto;flex:1 1 auto;min-height:14rem;scroll-padding:4.5rem 0 0 9rem;border:1px solid var(--line)}"
    "table{border-collapse:separate;border-spacing:0;min-width:100%}"
    "th,td{border:0 solid var(--line);border-width:0 1px 1px 0;padding:0}td{height:1px}"
    "th{padding:.3rem .5rem;background:var(--soft);text-align:left}"
    "th[scope=col]{text-align:center;position:sticky;top:0;z-index:1}"
    "th[scope=row]{position:sticky;left:0;z-index:1;white-space:nowrap}"
    "th.on{background:var(--ink);color:var(--paper)}th.on small{color:inherit}"
    "tr:first-child>td{position:sticky;top:0;left:0;z-index:2;background:var(--soft)}"
    "th small{display:block;font-weight:400;color:var(--dim)}"
    "td>button,td>span{display:block;box-sizing:border-box;width:100%;height:100%;min-width:4.8rem;min-height:2.6rem;padding:.3rem;"
    "font:inherit;font-size:.75rem;color:inherit;background:none;border:0;text-align:center}"
    "td>span{background:var(--soft)}"
    "td>button{cursor:pointer}td>button:hover{outline:1px solid var(--ink);outline-offset:-1px}"
    "td>button:focus-visible{outline:3px solid var(--ink);outline-offset:-3px}"
    ".l1{background:var(--l1)}.l2{background:var(--l2)}.l3{background:var(--l3)}.l4{background:var(--l4)}.l5{background:var(--l5)}"
    /* Many states: one line each, and levels by their letters, so that all of them are seen at once. */
    ".dense th small{display:none}.dense th[scope=row] small{display:inline;margin-left:.4rem}.dense th{padding:.1rem .4rem}"
    ".dense td>button,.dense td>span{min-width:2.1rem;min-height:1.55rem;padding:.1rem}"
    "#detail{flex:none;box-sizing:border-box;height:9.5rem;overflow:auto;padding:.6rem 1rem;"
    "border-left:4px solid var(--line);background:var(--soft)}"
    "#detail ul{margin:.3rem 0;padding-left:1.2rem}code{font-size:.85rem;overflow-wrap:anywhere}"
    "@media(min-width:64rem){#view{flex-direction:row}.frame{min-width:0}#detail{width:22rem;height:auto}}"
    "@media print{:root{--ink:#000;--paper:#fff;--line:#c9ccd1;--soft:#f2f3f5;--dim:#333;--l1:#dcefe0;--l2:#cfe3f5;--l3:#f6e7a8;--l4:#f7c79a;"
    "--l5:#eea0a0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}form,#detail{display:none}"
    "main,#view{display:block;height:auto}.frame{overflow:visible;border:0}}";

/* By level; 0: nothing passes. */
static const char *const letters[] = {"\xe2\x80\x93", "U", "R", "C", "S", "TS"};

/* W: words of the page, F: flows, C: the classes of topics in each flow, T: topics to choose from with their classes. A flow is
   shown when a chosen topic may pass in it, whatever pattern the flow goes by. Everything is put in as text, never as markup. */
static const char script[] =
    "const $=i=>document.getElementById(i),topic=$('topic'),level=$('level'),detail=$('detail');"
    "const N={},dense=$('matrix').classList.contains('dense');"
    "document.querySelectorAll('th[scope=row]').forEach(h=>{N[h.firstChild.data]=h.lastChild.textContent});"
    "const topics=f=>f.topics.replace(' except ',' '+W.except+' ');"
    "const pair=b=>N[b.dataset.from]+' \\u2192 '+N[b.dataset.to];"
    "const add=(p,tag,text)=>{const e=document.createElement(tag);if(text!==undefined)e.textContent=text;p.append(e);return e};"
    "T.forEach((t,i)=>{add(topic,'option',t.name).value=i});"
    "const passes=i=>!topic.value||C[i].some(c=>T[topic.value].classes.includes(c));"
    "const chosen=b=>F.filter((f,i)=>f.from===b.dataset.from&&f.to===b.dataset.to&&passes(i)&&f.rank>=+level.value);"
    "let shown;function draw(){document.querySelectorAll('td>button').forEach(b=>{const m=chosen(b).sort((x,y)=>y.rank-x.rank)[0];"
    "const owed=m&&m.up_to!==m.up_to_freely?' *':'';"
    "b.className=m?'l'+m.rank:'';b.textContent=m?(dense?L[m.rank]:m.level)+owed:L[0];"
    "b.setAttribute('aria-label',pair(b)+': '+(m?m.level+owed:W.nothing));"
    "b.title=m?topics(m)+'\\n'+m.export_rule+'\\n'+m.import_rule:W.nothing});"
    "if(shown)tell(shown);else{detail.replaceChildren();add(detail,'span',W.hint).className='dim'}}"
    "function tell(b){shown=b;document.querySelectorAll('th.on').forEach(h=>h.classList.remove('on'));"
    "[b.closest('tr').cells[0],$('matrix').rows[0].cells[b.parentElement.cellIndex]].forEach(h=>h.classList.add('on'));"
    "detail.replaceChildren();add(detail,'strong',pair(b));"
    "const list=chosen(b);if(!list.length){add(detail,'p',W.nothing);return}const ul=add(detail,'ul');"
    "list.forEach(f=>{const li=add(ul,'li');add(li,'b',topics(f));li.append(' '+W.up_to+' '+f.up_to);"
    "if(f.up_to!==f.up_to_freely)li.append(' ('+(f.up_to_freely==='-'?W.only:W.owed+' '+f.up_to_freely)+')');"
    "[f.export_rule,f.import_rule].forEach(r=>{if(r){add(li,'br');add(li,'code',r)}})})}"
    "const all=[...document.querySelectorAll('td>button')];let last=all[0];"
    "all.forEach((b,i)=>{b.tabIndex=i?-1:0;b.disabled=false;b.addEventListener('focus',()=>{last.tabIndex=-1;b.tabIndex=0;last=b;tell(b)});"
    "b.addEventListener('mouseenter',()=>tell(b));b.addEventListener('keydown',e=>{"
    "const c=b.parentElement.cellIndex,r=b.parentElement.parentElement.rowIndex;"
    "const d={ArrowUp:[-1,0],ArrowDown:[1,0],ArrowLeft:[0,-1],ArrowRight:[0,1]}[e.key];if(!d)return;e.preventDefault();"
    "let y=r,x=c,n;do{y+=d[0];x+=d[1];const row=$('matrix').rows[y];if(!row||!row.cells[x])return;"
    "n=row.cells[x].querySelector('button')}while(!n);n.focus()})});"
    "topic.onchange=level.onchange=draw;$('filters').hidden=false;draw();";

/* JSON within a script: nothing in it may end the script. */
static void put_data(struct buf *out, const char *name, const json_t *value)
{
  char *text = json_dumps(value, JSON_COMPACT);
  buf_printf(out, "const %s=", name);
  for (const char *c = text ? text : "[]"; *c; c++)
    buf_printf(out, *c == '<' ? "\\u003c" : "%c", *c);
  buf_put_str(out, ";\n");
  free(text);
}

static void put_filters(struct buf *out)
{
  buf_put_str(out, "<form id=\"filters\" hidden><label>");
  markup_text(out, _("Topics"));
  buf_put_str(out, " <select id=\"topic\"><option value=\"\">");
  markup_text(out, _("all"));
  buf_put_str(out, "</option></select></label> <label>");
  markup_text(out, _("Level at least"));
  buf_put_str(out, " <select id=\"level\">");
  for (uint8_t level = 1; level <= 5; level++)
    buf_printf(out, "<option value=\"%u\">%s</option>", level, level_name(level));
  buf_put_str(out, "</select></label></form>\n");
}

static void put_legend(struct buf *out)
{
  buf_put_str(out, "<ul id=\"legend\">");
  for (uint8_t level = 1; level <= 5; level++)
    buf_printf(out, "<li><b class=\"l%u\">%s</b>%s</li>", level, letters[level], level_name(level));
  buf_printf(out, "<li><b>%s</b>", letters[0]);
  markup_text(out, _("nothing may pass"));
  buf_put_str(out, "</li><li><b>*</b>");
  markup_text(out, _("the highest of it only with approvals or the caveat ORCON, or from some agencies"));
  buf_put_str(out, "</li></ul>\n");
}

void matrix_page_begin(const struct matrix_page *p, struct buf *out)
{
  buf_printf(out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n", p->language);
  buf_put_str(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
                   "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
  markup_element(out, "title", _("Who tells whom"));
  buf_printf(out, "<style>%s</style></head><body><main>\n", style);
  buf_put_str(out, "<div id=\"top\">");
  markup_element(out, "h1", _("Who tells whom"));
  buf_put_str(out, "<p class=\"dim\">");
  markup_text(out, p->time);
  if (p->topic) {
    buf_put_str(out, " &middot; ");
    markup_text(out, p->topic);
  }
  buf_put_str(out, "</p></div>\n");
  markup_element(out, "p", _("Each row is a state that tells, each column a state that receives. A cell shows the highest level "
                          "that may pass. Point at a cell, or move to it with the arrow keys, to see what may pass and by which rules."));
  buf_put_str(out, "<p id=\"policies\" class=\"dim\">");
  markup_text(out, p->policies);
  buf_put_str(out, "</p>\n");
  put_filters(out);
  put_legend(out);
  buf_printf(out, "<div id=\"view\"><div class=\"frame\"><table id=\"matrix\"%s><tr><td></td>", p->dense ? " class=\"dense\"" : "");
}

static void put_country(const struct matrix_page *p, const struct country *c, const char *scope, struct buf *out)
{
  buf_printf(out, "<th scope=\"%s\" title=\"", scope);
  markup_text(out, country_name(c, p->language));
  buf_printf(out, "\">%s<small>", c->code);
  markup_text(out, country_name(c, p->language));
  buf_put_str(out, "</small></th>");
}

void matrix_page_head(const struct matrix_page *p, const struct country *to, struct buf *out)
{
  put_country(p, to, "col", out);
}

void matrix_page_row(const struct matrix_page *p, const struct country *from, struct buf *out)
{
  buf_put_str(out, "</tr>\n<tr>");
  put_country(p, from, "row", out);
}

void matrix_page_cell(const struct matrix_page *p, const struct country *from, const struct country *to, uint8_t level,
                      bool owed, struct buf *out)
{
  if (country_eq(*from, *to)) {
    buf_put_str(out, "<td><span></span></td>");
    return;
  }
  buf_printf(out, "<td><button type=\"button\" data-from=\"%s\" data-to=\"%s\" class=\"l%u\" aria-describedby=\"detail\">%s%s</button></td>",
             from->code, to->code, level, p->dense || !level ? letters[level] : level_name(level), owed ? " *" : "");
}

void matrix_page_end(const struct matrix_page *p, const json_t *flows, const json_t *classes, const json_t *topics,
                     struct buf *out)
{
  (void)p;
  json_t *words = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "hint", _("Point at a cell to see its rules."), "nothing",
                            _("Nothing may pass."), "up_to", _("up to"), "except", _("except"), "owed", _("without approvals and ORCON up to"),
                            "only", _("only with approvals or ORCON, or from some agencies"));
  json_t *short_levels = json_array();
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    json_array_append_new(short_levels, json_string(letters[i]));
  buf_put_str(out, "</tr></table></div>\n<div id=\"detail\" aria-live=\"polite\"></div></div>\n</main>\n<script>\n");
  put_data(out, "W", words);
  put_data(out, "L", short_levels);
  put_data(out, "F", flows);
  put_data(out, "C", classes);
  put_data(out, "T", topics);
  buf_printf(out, "%s\n</script></body></html>\n", script);
  json_decref(words);
  json_decref(short_levels);
}
