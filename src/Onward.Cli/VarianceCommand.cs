using System.CommandLine;
using System.Globalization;
using Onward.Laboratory;
using Onward.Learning;
using Onward.Threads;

namespace Onward.Cli;

/// <summary><c>onward variance</c>: measures forward gradients against theory, or against one another in a network.</summary>
internal sealed class VarianceCommand
{
    private readonly VarianceOptions _options = new();
    private readonly Host _host;

    private VarianceCommand(Host host) => _host = host;

    /// <summary>Makes the command.</summary>
    internal static Command Create(Host host)
    {
        VarianceCommand variance = new(host);
        Command command = new("variance", "Measure the variance of forward gradients: of a linear layer beside theory, or of a network.");
        variance._options.AddTo(command);
        command.SetAction(variance.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        VarianceOptions.Plan plan = _options.Read(parse);
        string folder = _host.Resolve(plan.Out);
        LaboratoryFolder.RequireFolder(folder);
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
        List<LayerRow> rows = [];
        foreach ((int fanIn, int fanOut) in plan.Layers)
        {
            foreach (int examples in plan.Examples)
            {
                LinearLayerOptions options = plan.Layer(fanIn, fanOut, examples);
                rows.AddRange(LinearLayerExperiment.Run(options, team, _host.Interruption).Select(estimate => LayerRow.From(options, estimate)));
            }
        }

        LaboratoryFolder files = LaboratoryFolder.Write(
            folder,
            "layer",
            ["fan_in", "fan_out", "examples", "passes", "estimator", "measured", "standard_error", "theory", "relative_bias", "relative_bias_error", "cosine"],
            rows.Select(row => new object[] { row.FanIn, row.FanOut, row.Examples, row.Passes, row.Estimator, row.Measured, row.StandardError, row.Theory, row.RelativeBias, row.RelativeBiasError, row.Cosine }),
            path => VariancePlot.SaveLayers(path, plan, rows));
        if (plan.AsJson)
        {
            Json(new { plan.Draws, plan.Seed, Rows = rows, files.Table, files.Plot });
            return;
        }

        foreach (IGrouping<(int, int), LayerRow> layer in rows.GroupBy(row => (row.FanIn, row.FanOut)))
        {
            _host.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"layer {layer.Key.Item1}x{layer.Key.Item2}, {plan.Draws} draws, {Several(plan.Passes[0], "pass", "passes")}"));
            TextTable table = new();
            table.Add("estimator", "examples", "measured", "theory", "ratio", "+-", "bias", "+-", "cosine");
            foreach (LayerRow row in layer)
            {
                table.Add(row.Estimator, Show(row.Examples), Short(row.Measured), Short(row.Theory), Fixed(row.Measured / row.Theory, 3), Fixed(row.StandardError / row.Theory, 3), Fixed(row.RelativeBias, 3), Fixed(row.RelativeBiasError, 3), Fixed(row.Cosine, 3));
            }

            table.Write(_host.Out);
            _host.Out.WriteLine();
        }

        Tell(files);
    }

    private void RunNetwork(VarianceOptions.Plan plan, ModelSettings model, string folder, WorkerTeam team)
    {
        IReadOnlyList<MixerEstimate> estimates = NetworkUnderStudy.Measure(plan, model, team, _host.Interruption);
        List<NetworkRow> rows =
        [
            .. estimates.SelectMany(estimate => estimate.Layers.Select(layer => NetworkRow.From(estimate, layer.Weight, layer.Quality))
                .Append(NetworkRow.From(estimate, NetworkRow.AllWeights, estimate.Total))),
        ];
        LaboratoryFolder files = LaboratoryFolder.Write(
            folder,
            "model",
            ["rule", "losses", "passes", "weights", "variance", "standard_error", "relative_variance", "relative_bias", "relative_bias_error", "cosine"],
            rows.Select(row => new object[] { row.Rule, row.Losses, row.Passes, row.Weights, row.Variance, row.StandardError, row.RelativeVariance, row.RelativeBias, row.RelativeBiasError, row.Cosine }),
            path => VariancePlot.SaveNetwork(path, plan, model.Name, [.. rows.Where(row => row.Weights == NetworkRow.AllWeights)]));
        if (plan.AsJson)
        {
            Json(new { Model = model.Name, plan.Draws, plan.BatchSize, plan.Steps, plan.Seed, Rows = rows, files.Table, files.Plot });
            return;
        }

        _host.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{model.Name}, the blocks' weights: batch of {plan.BatchSize} after {Several(plan.Steps, "step", "steps")}, {plan.Draws} draws"));
        TextTable table = new();
        table.Add("rule", "losses", "passes", "variance", "relative", "+-", "bias", "+-", "cosine");
        foreach (NetworkRow row in rows.Where(row => row.Weights == NetworkRow.AllWeights))
        {
            table.Add(row.Rule, row.Losses, Show(row.Passes), Short(row.Variance), Short(row.RelativeVariance), Short(row.RelativeVariance * row.StandardError / row.Variance), Fixed(row.RelativeBias, 3), Fixed(row.RelativeBiasError, 3), Fixed(row.Cosine, 3));
        }

        table.Write(_host.Out);
        _host.Out.WriteLine();
        Tell(files);
    }

    private void Json<T>(T outcome) => _host.WriteJson(outcome);

    private void Tell(LaboratoryFolder files) => new TextTable().Add("plot", files.Plot).Add("table", files.Table).Write(_host.Out);

    private static string Show(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Several(int number, string one, string more) => string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : more)}");

    private static string Short(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    private static string Fixed(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);

    /// <summary>An estimator of a layer with one number of examples.</summary>
    internal sealed record LayerRow(int FanIn, int FanOut, int Examples, int Passes, string Estimator, double Measured, double StandardError, double Theory, double RelativeBias, double RelativeBiasError, double Cosine)
    {
        internal static LayerRow From(LinearLayerOptions options, LinearLayerEstimate estimate)
        {
            EstimateQuality quality = estimate.Measured;
            return new LayerRow(options.FanIn, options.FanOut, options.Examples, options.Passes, estimate.Estimator, quality.Variance, quality.VarianceError, estimate.Theory, quality.RelativeBias, quality.RelativeBiasError, quality.Cosine);
        }
    }

    /// <summary>A rule at one scope, for one layer's weights or all.</summary>
    internal sealed record NetworkRow(string Rule, string Losses, int Passes, string Weights, double Variance, double StandardError, double RelativeVariance, double RelativeBias, double RelativeBiasError, double Cosine)
    {
        internal const string AllWeights = "all weights";

        internal static NetworkRow From(MixerEstimate estimate, string weights, EstimateQuality quality) => new(
            estimate.Rule, Name(estimate.Scope), estimate.Passes, weights, quality.Variance, quality.VarianceError, quality.RelativeVariance, quality.RelativeBias, quality.RelativeBiasError, quality.Cosine);

        private static string Name(LossScope scope) => scope == LossScope.Global
            ? "global"
            : string.Join('+', new[] { LossScope.Block, LossScope.Patch, LossScope.Group }.Where(part => scope.HasFlag(part)).Select(part => part.ToString().ToLowerInvariant()));
    }
}
