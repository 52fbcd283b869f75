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
    "main{display:flex;flex-direction:column;box-sizing:border-box;height:100vh;min-height:36rem;padding:1.2rem 1.5rem}"
    "h1{font-size:1.4rem;margin:0 0 .3rem}p{margin:.2rem 0;max-width:60rem}.dim{color:var(--dim)}"
    "form{display:flex;flex-wrap:wrap;gap:.5rem 1rem;margin:.7rem 0}label{display:flex;gap:.5rem;align-items:center}"
    "select{font:inherit;color:inherit;background:var(--soft);border:1px solid var(--line);padding:.25rem .5rem;max-width:100%}"
    /* The headings stay where they can be read while the rest moves under them. */
    ".frame{overflow:auto;flex:1 1 auto;min-height:14rem;scroll-padding:4.5rem 0 0 9rem;border:1px solid var(--line)}"
    "table{border-collapse:separate;border-spacing:0}"
    "th,td{border:0 solid var(--line);border-width:0 1px 1px 0;padding:0}td{height:1px}"
    "th{padding:.3rem .5rem;background:var(--soft);text-align:left}"
    "th[scope=col]{text-align:center;position:sticky;top:0;z-index:1}"
    "th[scope=row]{position:sticky;left:0;z-index:1;white-space:nowrap}"
    "tr:first-child>td{position:sticky;top:0;left:0;z-index:2;background:var(--soft)}"
    "th small{display:block;font-weight:400;color:var(--dim)}"
    "td>button,td>span{display:block;box-sizing:border-box;width:100%;height:100%;min-width:4.8rem;min-height:2.6rem;padding:.3rem;"
    "font:inherit;font-size:.75rem;color:inherit;background:none;border:0;text-align:center}"
    "td>span{background:var(--soft)}"
    "td>button{cursor:pointer}td>button:hover{outline:1px solid var(--ink);outline-offset:-1px}"
    "td>button:focus-visible{outline:3px solid var(--ink);outline-offset:-3px}"
    ".l1{background:var(--l1)}.l2{background:var(--l2)}.l3{background:var(--l3)}.l4{background:var(--l4)}.l5{background:var(--l5)}"
    "#detail{flex:none;box-sizing:border-box;height:9.5rem;overflow:auto;margin-top:.7rem;padding:.6rem 1rem;"
    "border-left:4px solid var(--line);background:var(--soft)}"
    "#detail ul{margin:.3rem 0;padding-left:1.2rem}code{font-size:.85rem;overflow-wrap:anywhere}"
    "@media print{form,#detail{display:none}main{height:auto}.frame{overflow:visible}}";

/* W: words of the page, F: flows, C: the classes of topics in each flow, T: topics to choose from with their classes. A flow is
   shown when a chosen topic may pass in it, whatever pattern the flow goes by. Everything is put in as text, never as markup. */
static const char script[] =
    "const $=i=>document.getElementById(i),topic=$('topic'),level=$('level'),detail=$('detail');"
    "const add=(p,tag,text)=>{const e=document.createElement(tag);if(text!==undefined)e.textContent=text;p.append(e);return e};"
    "T.forEach((t,i)=>{add(topic,'option',t.name).value=i});"
    "const passes=i=>!topic.value||C[i].some(c=>T[topic.value].classes.includes(c));"
    "const chosen=b=>F.filter((f,i)=>f.from===b.dataset.from&&f.to===b.dataset.to&&passes(i)&&f.rank>=+level.value);"
    "let shown;function draw(){document.querySelectorAll('td>button').forEach(b=>{const m=chosen(b).sort((x,y)=>y.rank-x.rank)[0];"
    "b.className=m?'l'+m.rank:'';b.textContent=m?m.level+(m.up_to!==m.up_to_freely?' *':''):'\\u2013';"
    "b.title=m?m.topics+'\\n'+m.export_rule+'\\n'+m.import_rule:W.nothing});"
    "if(shown)tell(shown);else{detail.replaceChildren();add(detail,'span',W.hint).className='dim'}}"
    "function tell(b){shown=b;detail.replaceChildren();add(detail,'strong',b.dataset.from+' \\u2192 '+b.dataset.to);"
    "const list=chosen(b);if(!list.length){add(detail,'p',W.nothing);return}const ul=add(detail,'ul');"
    "list.forEach(f=>{const li=add(ul,'li');add(li,'b',f.topics);li.append(' \\u2264 '+f.up_to);"
    "if(f.up_to!==f.up_to_freely)li.append(' ('+W.owed+' '+f.up_to_freely+')');"
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
  buf_put_str(out, "</option></select></label><label>");
  markup_text(out, _("Level at least"));
  buf_put_str(out, " <select id=\"level\">");
  for (uint8_t level = 1; level <= 5; level++)
    buf_printf(out, "<option value=\"%u\">%s</option>", level, level_name(level));
  buf_put_str(out, "</select></label></form>\n");
}

void matrix_page_begin(const struct matrix_page *p, struct buf *out)
{
  buf_printf(out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n", p->language);
  buf_put_str(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
                   "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
  markup_element(out, "title", _("Who tells whom"));
  buf_printf(out, "<style>%s</style></head><body><main>\n", style);
  markup_element(out, "h1", _("Who tells whom"));
  markup_element(out, "p", _("Each row is a state that tells, each column a state that receives. A cell shows the highest level "
                          "that may pass; a dash means that nothing may. Point at a cell, or move to it with the "
                          "arrow keys, to see the rules."));
  markup_element(out, "p", _("* the highest of it only with approvals or the caveat ORCON."));
  buf_put_str(out, "<p class=\"dim\">");
  markup_text(out, p->time);
  if (p->topic) {
    buf_put_str(out, " &middot; ");
    markup_text(out, p->topic);
  }
  buf_put_str(out, "</p>\n");
  put_filters(out);
  buf_put_str(out, "<div class=\"frame\"><table id=\"matrix\"><tr><td></td>");
}

static void put_country(const struct matrix_page *p, const struct country *c, const char *scope, struct buf *out)
{
  buf_printf(out, "<th scope=\"%s\">%s<small>", scope, c->code);
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
  (void)p;
  if (country_eq(*from, *to)) {
    buf_put_str(out, "<td><span></span></td>");
    return;
  }
  buf_printf(out, "<td><button type=\"button\" data-from=\"%s\" data-to=\"%s\" class=\"l%u\" aria-describedby=\"detail\">%s%s</button></td>",
             from->code, to->code, level, level ? level_name(level) : "\xe2\x80\x93", owed ? " *" : "");
}

void matrix_page_end(const struct matrix_page *p, const json_t *flows, const json_t *classes, const json_t *topics,
                     struct buf *out)
{
  (void)p;
  json_t *words = json_pack("{s:s,s:s,s:s}", "hint", _("Here stand the rules of the cell that you point at."), "nothing", _("Nothing may pass."), "owed", _("without approvals and ORCON up to"));
  buf_put_str(out, "</tr></table></div>\n<div id=\"detail\" aria-live=\"polite\"></div>\n</main>\n<script>\n");
  put_data(out, "W", words);
  put_data(out, "F", flows);
  put_data(out, "C", classes);
  put_data(out, "T", topics);
  buf_printf(out, "%s\n</script></body></html>\n", script);
  json_decref(words);
}
