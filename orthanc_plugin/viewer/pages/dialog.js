// The models that may run in, the person's choice out; null when it was closed without one.

const STYLE = `border:1px solid #348cfd; border-radius:6px; padding:20px; background:#090c29; color:#fff;
  font:14px/1.5 sans-serif; min-width:340px; max-width:520px;`;

export function ask(routes, shown) {
  if (!routes.length) {
    throw new Error('No model is installed on this node.');
  }
  const dialog = document.createElement('dialog');
  dialog.style.cssText = STYLE;
  dialog.dataset.cy = 'predict-dialog';
  dialog.append(form(routes, shown));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      const chosen = new FormData(dialog.firstChild);
      dialog.remove();
      resolve(dialog.returnValue === 'run' ? wishOf(chosen, shown) : null);
    });
  });
}

function wishOf(chosen, { series, instance, frame }) {
  const where = chosen.get('where') === 'slice' ? { instance, ...(frame && { frame }) } : { series };
  return { ...where, model: chosen.get('model'), priority: 'stat' };
}

function form(routes, { description, instance, slice }) {
  const made = document.createElement('form');
  made.method = 'dialog';
  const title = document.createElement('p');
  title.textContent = `Run a model on ${description || 'the displayed series'}`;
  title.style.cssText = 'margin:0 0 12px; font-size:16px;';
  const models = routes.map((route, place) =>
    radio('model', route.model, `${route.model} ${route.version}`, route.matches ? '' : ' (not made for it)', !place)
  );
  const places = [radio('where', 'series', 'The whole series', '', true)];
  if (instance) {
    places.push(radio('where', 'slice', `This slice alone (${slice})`, '', false));
  }
  made.append(title, group('Model', models), group('On', places), buttons());
  return made;
}

function group(title, rows) {
  const made = document.createElement('fieldset');
  made.style.cssText = 'border:0; padding:0; margin:0 0 12px;';
  const legend = document.createElement('legend');
  legend.textContent = title;
  legend.style.color = '#7bb2ce';
  made.append(legend, ...rows);
  return made;
}

function radio(name, value, text, remark, checked) {
  const label = document.createElement('label');
  label.style.cssText = 'display:block; cursor:pointer;';
  const input = Object.assign(document.createElement('input'), { type: 'radio', name, value, checked });
  label.append(input, ` ${text}${remark}`);
  return label;
}

function buttons() {
  const row = document.createElement('div');
  row.style.cssText = 'display:flex; gap:12px; justify-content:flex-end;';
  row.append(button('cancel', 'Cancel', 'transparent'), button('run', 'Run', '#348cfd'));
  return row;
}

function button(value, text, colour) {
  const made = Object.assign(document.createElement('button'), { value, textContent: text });
  made.style.cssText = `padding:4px 16px; border:1px solid #348cfd; border-radius:4px; background:${colour}; color:#fff;`;
  return made;
}
