// What Grafana says that a classic dashboard is, as JSON: enums by their values, and for each kind of
// panel its own options. Whatever is not named there is an error.
import type { AnnotationQuery, Dashboard, DataQuery, FieldConfig, FieldConfigSource, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type * as barGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as statusHistory from '@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer N extends number}`
        ? N
        : T
      : T extends object
        ? { [K in keyof T]: Plain<T[K]> }
        : T;

// The plugin of Prometheus has no types of its own in this package.
type Query = Plain<DataQuery> & {
  editorMode?: 'code' | 'builder';
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
};

type Kind<Name extends string, Options, Custom> = Plain<Omit<Panel, 'fieldConfig' | 'options' | 'targets' | 'type'>> & {
  type: Name;
  fieldConfig: Plain<Omit<FieldConfigSource, 'defaults'>> & {
    defaults: Plain<Omit<FieldConfig, 'custom'>> & { custom?: Plain<Partial<Custom>> };
  };
  options: Plain<Partial<Options>>;
  targets: Query[];
};

type Panels =
  | Plain<Omit<RowPanel, 'panels'> & { panels: [] }>
  | Kind<'bargauge', barGauge.Options, never>
  | Kind<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | Kind<'stat', stat.Options, never>
  | Kind<'state-timeline', stateTimeline.Options, stateTimeline.FieldConfig>
  | Kind<'status-history', statusHistory.Options, statusHistory.FieldConfig>
  | Kind<'table', table.Options, table.FieldConfig & { filterable: boolean }>
  | Kind<'timeseries', timeSeries.Options, timeSeries.FieldConfig>;

type Annotation = Plain<Omit<AnnotationQuery, 'target'>> & { target: Query; textFormat: string; titleFormat: string };

export type Classic = Plain<Omit<Dashboard, 'annotations' | 'panels' | 'templating'>> & {
  annotations: { list: Annotation[] };
  panels: Panels[];
  templating: { list: Plain<VariableModel>[] };
};
