using System.CommandLine;
using System.Globalization;
using Onward.Layers;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward inspect</c>: shows the layers of a network, their sizes and costs.</summary>
internal sealed class InspectCommand
{
    private readonly Argument<string> _model = ValueOption.Path(
        "MODEL", $"a preset ({ValueOption.List(ModelSettings.Names)}), a model.safetensors file or a run folder");
    private readonly Option<string?> _run = ValueOption.Folder("--run", "Run folder, instead of the argument MODEL");
    private readonly Option<string?> _network = ValueOption.File(
        "--network", "JSON file that describes a network, instead of the argument MODEL");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private InspectCommand(Host host)
    {
        _host = host;
        _model.Arity = ArgumentArity.ZeroOrOne;
        _model.HelpName = "MODEL";
    }

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        InspectCommand inspect = new(host);
        inspect._model.CompletionSources.Add([.. ModelSettings.Names]);
        Command command = new("inspect", "Show the layers of a network: shapes, parameters, operations and local losses.")
        {
            inspect._model, inspect._run, inspect._network, inspect._json,
        };
        command.SetAction(inspect.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        (string name, Network model) = Asked(parse);
        if (model.Mixer is not LocalMixerOptions mixer)
        {
            ShowLayers(name, model, parse.GetValue(_json));
            return ExitCode.Done;
        }

        List<Row> rows = Rows(model);
        Outline outline = new(
            name,
            [model.Input.Height, model.Input.Width, model.Input.Channels],
            model.Classes,
            model.Values.Layout.Count,
            Round(InferenceCost.OfReadout(model)),
            Round(rows.Sum(row => row.Mflop)),
            model.LocalLosses,
            mixer.Normalizations.ToString(),
            rows);
        if (parse.GetValue(_json))
        {
            _host.WriteJson(outline);
        }
        else
        {
            Show(outline);
        }

        return ExitCode.Done;
    }

    private (string Name, Network Model) Asked(ParseResult parse)
    {
        (string Words, Func<(string, Network)> Find)[] asked =
        [
            .. Given(parse.GetValue(_model), ParseFaults.Quote, Find),
            .. Given(parse.GetValue(_run), run => $"--run {run}", Find),
            .. Given(parse.GetValue(_network), file => $"--network {file}", Read),
        ];
        return asked.Length switch
        {
            0 => throw ParseFaults.Missing(parse, _model),
            1 => asked[0].Find(),
            _ => throw new CommandFault($"{asked[0].Words} and {asked[1].Words} both name a model. Name one."),
        };

        static IEnumerable<(string, Func<(string, Network)>)> Given(
            string? value, Func<string, string> words, Func<string, (string, Network)> find) =>
            value is null ? [] : [(words(value), () => find(value))];
    }

    private (string Name, Network Model) Read(string file) => Build(ModelSettings.Read(_host.Resolve(file)));

    private static (string Name, Network Model) Build(ModelSettings settings)
    {
        return (settings.Name, settings.BuildAlone());
    }

    private (string Name, Network Model) Find(string asked)
    {
        if (ValueOption.Known(asked, ModelSettings.Names) is string name)
        {
            return Build(ModelSettings.Default(name));
        }

        string path = _host.Resolve(asked);
        if (Directory.Exists(path))
        {
            TrainedModel trained = TrainedModel.Load(path);
            return ($"{trained.Run.Network.Name}, trained with {trained.Run.Rule} on {trained.Run.Dataset}", trained.Model);
        }

        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && File.Exists(path))
        {
            throw new CommandFault($"{path}: no model. If it describes a network, write --network {asked}.");
        }

        return File.Exists(path)
            ? (path, ModelFile.Load(path))
            : throw new CommandFault(
                $"{path}: no such file, folder or preset{NearestName.Suggest(asked, ModelSettings.Names)} "
                + $"Name {ValueOption.List(ModelSettings.Names)}, a model.safetensors file or a run folder.");
    }

    private static List<Row> Rows(Network model)
    {
        List<Row> rows = [];
        foreach (NetworkBlock block in model.Blocks)
        {
            if (block.Description.Layers[0] is GridPooling pooling)
            {
                ExampleShape pooled = pooling.OutputOf(block.Input);
                rows.Add(
                    new Row(
                        $"blocks.{block.Index}.pooling",
                        $"pooling {pooling.Kind}".ToLowerInvariant(),
                        [block.Input.Positions, block.Input.Channels],
                        [pooled.Positions, pooled.Channels],
                        [],
                        0,
                        0,
                        null));
            }

            rows.AddRange(block.Layers.Select(layer => new Row(
                Owner(layer.Weight),
                Describe(layer.Map),
                [layer.InputPositions, layer.Map.Inputs],
                [layer.Positions, layer.Map.Outputs],
                layer.Weight.Shape,
                (long)layer.Weight.Length + layer.Bias.Length,
                Round(2.0 * layer.Positions * layer.Map.MultiplyAddsPerRow / 1e6),
                null)));
            rows.Add(OfHead(block.Head, model.IsSelfSupervised ? "projection" : "classifier", (long)block.Patches * block.Groups));
        }

        if (model.Projector is not null)
        {
            rows.Add(OfHead(model.Projector, "projection", null));
        }

        rows.Add(OfHead(model.Readout, "classifier", null));
        return rows;

        static Row OfHead(LinearHead head, string kind, long? losses) => new(
            Owner(head.Weight),
            kind,
            [head.Features],
            [head.Outputs],
            head.Weight.Shape,
            (long)head.Weight.Length + head.Bias.Length,
            Round(head.FlopsPerExample / 1e6),
            losses);

        static string Owner(Parameter weight) => weight.Name[..weight.Name.LastIndexOf('.')];
    }

    private static string Describe(AffineLayer map) => map switch
    {
        Linear => "channels",
        GroupedLinear => "channels of a group",
        TokenMixing => "patches",
        _ => string.Create(CultureInfo.InvariantCulture, $"patches {map.WeightShape[0]}x{map.WeightShape[1]}"), // a depthwise convolution
    };

    private void Show(Outline outline)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        _host.Out.WriteLine(string.Create(culture, $"{outline.Model}; images of {Join(outline.Image)} in {outline.Classes} classes"));
        TextTable table = new TextTable(0, 1).Add("layer", "kind", "input", "output", "weight", "parameters", "MFLOP", "local losses");
        foreach (Row row in outline.Layers)
        {
            table.Add(
                row.Layer,
                row.Kind,
                Join(row.Input),
                Join(row.Output),
                row.Weight.Count == 0 ? "-" : Join(row.Weight),
                row.Parameters.ToString("N0", culture),
                Figures.Megaflops(row.Mflop),
                row.LocalLosses?.ToString("N0", culture) ?? "");
        }

        table.Add(
            "total",
            "",
            "",
            "",
            "",
            outline.Parameters.ToString("N0", culture),
            Figures.Megaflops(outline.MflopWithHeads),
            outline.LocalLosses.ToString("N0", culture))
            .Write(_host.Out, _host.OutWidth());
        _host.Out.WriteLine(
            $"A prediction takes {Figures.Megaflops(outline.Mflop)} MFLOP per image. "
            + $"The heads of the blocks are needed only for training and early exit. Normalizations: {outline.Normalizations}.");
    }

    private void ShowLayers(string name, Network model, bool asJson)
    {
        IReadOnlyList<LayerTable.Row> rows = LayerTable.Rows(model);
        int[] image = [model.Input.Height, model.Input.Width, model.Input.Channels];
        double mflop = Round(InferenceCost.OfReadout(model));
        if (asJson)
        {
            _host.WriteJson(new
            {
                Model = name,
                Image = image,
                model.Classes,
                Parameters = model.Values.Layout.Count,
                Mflop = mflop,
                model.LocalLosses,
                Layers = rows,
            });
            return;
        }

        _host.Out.WriteLine($"{name}; images of {Join(image)} in {model.Classes} classes");
        LayerTable.Format(rows).Write(_host.Out, _host.OutWidth());
        string sums = string.Create(
            CultureInfo.InvariantCulture, $"{model.Values.Layout.Count:N0} parameters, {model.LocalLosses:N0} local losses.");
        _host.Out.WriteLine(
            $"{sums} A prediction takes {Figures.Megaflops(mflop)} MFLOP per image. "
            + "The heads of the blocks are needed only for training and early exit.");
    }

    private static string Join(IEnumerable<int> sizes) => string.Join('x', sizes);

    private static double Round(double megaflops) => Math.Round(megaflops, 6);

    private sealed record Row(
        string Layer,
        string Kind,
        IReadOnlyList<int> Input,
        IReadOnlyList<int> Output,
        IReadOnlyList<int> Weight,
        long Parameters,
        double Mflop,
        long? LocalLosses);

    private sealed record Outline(
        string Model,
        IReadOnlyList<int> Image,
        int Classes,
        long Parameters,
        double Mflop,
        double MflopWithHeads,
        long LocalLosses,
        string Normalizations,
        IReadOnlyList<Row> Layers);
}
