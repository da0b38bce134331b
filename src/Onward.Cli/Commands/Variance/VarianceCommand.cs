using System.CommandLine;
using System.Globalization;
using Onward.Laboratory;
using Onward.Threads;

namespace Onward.Cli;

/// <summary><c>onward variance</c>: measures the variance of forward gradients of linear layers or of a network.</summary>
internal sealed class VarianceCommand
{
    private readonly VarianceOptions _options = new();
    private readonly Host _host;

    private VarianceCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        VarianceCommand variance = new(host);
        Command command = new(
            "variance", "Measure the variance of forward gradients: of linear layers, compared with theory, or of a network.");
        variance._options.AddTo(command);
        command.SetAction(variance.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        VarianceOptions.Plan plan = _options.Read(parse, _host.Resolve);
        string folder = _host.Resolve(plan.Out);
        MeasurementFiles.RequireFolder(folder);
        using WorkerTeam team = new(plan.Threads);
        if (plan.Model is { } model)
        {
            RunNetwork(plan, model, folder, team);
        }
        else
        {
            RunLayers(plan, folder, team);
        }

        return ExitCode.Done;
    }

    private void RunLayers(VarianceOptions.Plan plan, string folder, WorkerTeam team)
    {
        List<LayerMeasurement> rows = [];
        foreach ((int fanIn, int fanOut) in plan.Layers)
        {
            foreach (int examples in plan.Examples)
            {
                LinearLayerOptions options = plan.Layer(fanIn, fanOut, examples);
                rows.AddRange(LinearLayerExperiment.Run(options, team, _host.Interruption)
                    .Select(estimate => LayerMeasurement.From(options, estimate)));
            }
        }

        MeasurementFiles files = MeasurementFiles.Write(
            folder,
            "layer",
            [
                "fan_in",
                "fan_out",
                "examples",
                "passes",
                "estimator",
                "measured",
                "standard_error",
                "theory",
                "relative_bias",
                "relative_bias_error",
                "cosine",
            ],
            rows.Select(row => new object[]
            {
                row.FanIn,
                row.FanOut,
                row.Examples,
                row.Passes,
                row.Estimator,
                row.Measured,
                row.StandardError,
                row.Theory,
                row.RelativeBias,
                row.RelativeBiasError,
                row.Cosine,
            }),
            path => VariancePlot.SaveLayers(path, plan.Layer(1, 1, 1), rows));
        if (plan.AsJson)
        {
            Json(new { plan.Draws, plan.Seed, Rows = rows, files.Table, files.Plot });
            return;
        }

        foreach (IGrouping<(int, int), LayerMeasurement> layer in rows.GroupBy(row => (row.FanIn, row.FanOut)))
        {
            _host.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"layer {layer.Key.Item1}x{layer.Key.Item2}, {plan.Draws} draws, {Several(plan.Passes[0], "pass", "passes")}"));
            TextTable table = new();
            table.Add("estimator", "examples", "measured", "theory", "ratio", "+-", "bias", "+-", "cosine");
            foreach (LayerMeasurement row in layer)
            {
                table.Add(
                    row.Estimator,
                    Show(row.Examples),
                    Short(row.Measured),
                    Short(row.Theory),
                    Fixed(row.Measured / row.Theory, 3),
                    Fixed(row.StandardError / row.Theory, 3),
                    Fixed(row.RelativeBias, 3),
                    Fixed(row.RelativeBiasError, 3),
                    Fixed(row.Cosine, 3));
            }

            table.Write(_host.Out, _host.OutWidth());
            _host.Out.WriteLine();
        }

        Tell(files);
    }

    private void RunNetwork(VarianceOptions.Plan plan, ModelSettings model, string folder, WorkerTeam team)
    {
        IReadOnlyList<MixerEstimate> estimates = NetworkUnderStudy.Measure(
            (side, channels, classes) => model.Build(side, channels, classes, ObjectiveSettings.Default),
            plan.Network, plan.BatchSize, plan.Steps, team, _host.Interruption);
        List<NetworkMeasurement> rows =
        [
            .. estimates.SelectMany(estimate => estimate.Layers
                .Select(layer => NetworkMeasurement.From(estimate, layer.Weight, layer.Quality))
                .Append(NetworkMeasurement.From(estimate, NetworkMeasurement.AllWeights, estimate.Total))),
        ];
        MeasurementFiles files = MeasurementFiles.Write(
            folder,
            "model",
            [
                "rule",
                "losses",
                "passes",
                "weights",
                "variance",
                "standard_error",
                "relative_variance",
                "relative_bias",
                "relative_bias_error",
                "cosine",
            ],
            rows.Select(row => new object[]
            {
                row.Rule,
                row.Losses,
                row.Passes,
                row.Weights,
                row.Variance,
                row.StandardError,
                row.RelativeVariance,
                row.RelativeBias,
                row.RelativeBiasError,
                row.Cosine,
            }),
            path => VariancePlot.SaveNetwork(path, model.Name, [.. rows.Where(row => row.Weights == NetworkMeasurement.AllWeights)]));
        if (plan.AsJson)
        {
            Json(new { Model = model.Name, plan.Draws, plan.BatchSize, plan.Steps, plan.Seed, Rows = rows, files.Table, files.Plot });
            return;
        }

        string steps = Several(plan.Steps, "step", "steps");
        _host.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.Name}, weights of all blocks: batch size {plan.BatchSize}, after {steps} of training, {plan.Draws} draws"));
        TextTable table = new();
        table.Add("rule", "losses", "passes", "variance", "relative variance", "+-", "bias", "+-", "cosine");
        foreach (NetworkMeasurement row in rows.Where(row => row.Weights == NetworkMeasurement.AllWeights))
        {
            table.Add(
                row.Rule,
                row.Losses,
                Show(row.Passes),
                Short(row.Variance),
                Short(row.RelativeVariance),
                Short(row.Variance == 0 ? 0 : row.RelativeVariance * row.StandardError / row.Variance), // 0 if an estimate is exact
                Fixed(row.RelativeBias, 3),
                Fixed(row.RelativeBiasError, 3),
                Fixed(row.Cosine, 3));
        }

        table.Write(_host.Out, _host.OutWidth());
        if (!rows.Any(row => row.Rule == "FG-A, feedback") || !rows.Any(row => row.Rule == "LG-FG-A, feedback"))
        {
            _host.Out.WriteLine("Rows with feedback are left out, because learned feedback cannot predict gradients of this network.");
        }

        _host.Out.WriteLine();
        Tell(files);
    }

    private void Json<T>(T outcome) => _host.WriteJson(outcome);

    private void Tell(MeasurementFiles files) =>
        new TextTable().Add("plot", files.Plot).Add("table", files.Table).Write(_host.Out, _host.OutWidth());

    private static string Show(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Several(int number, string one, string more) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : more)}");

    private static string Short(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    private static string Fixed(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);
}
