using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Onward.Data;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward eval</c>: measures the model of a run again.</summary>
internal sealed class EvalCommand
{
    private readonly Option<string?> _run = ValueOption.Folder("--run", "Run folder, as 'onward train' printed it", required: true);
    private readonly Option<string?> _dataset = ValueOption.Name("--dataset", "mnist, fashion-mnist, cifar-10, digits, idx or folder. Default: the run's", Datasets.Names);
    private readonly Option<string?> _data = ValueOption.Folder("--data", "Folder with the files of the data set. Default: the run's");
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private EvalCommand(Host host) => _host = host;

    /// <summary>Makes the command.</summary>
    internal static Command Create(Host host)
    {
        EvalCommand eval = new(host);
        Command command = new("eval", "Measure the errors of a trained model and of each block's head.");
        foreach (Option option in new Option[] { eval._run, eval._dataset, eval._data, eval._threads, eval._json })
        {
            command.Add(option);
        }

        command.SetAction(eval.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        string folder = _host.Resolve(parse.GetValue(_run)!);
        RunConfiguration run = RunFolder.ReadConfiguration(folder);
        LocalMixer model = ModelFile.Load(RunFolder.ModelPathIn(folder));
        string dataset = parse.GetValue(_dataset) ?? run.Dataset;
        string? directory = parse.GetValue(_data) ?? (dataset == run.Dataset ? run.Data : null);
        int? imageSize = dataset == Datasets.Folder ? model.Options.ImageSide : null;
        ImageDataset data = Datasets.Load(dataset, directory, imageSize, _host).Data;
        RequireFit(model.Options, data);

        int validation = dataset == run.Dataset ? run.Validation : 0;
        if (validation >= data.Training.Count)
        {
            throw new CommandFault($"the run held out {validation} training images, but {data.Source} has {data.Training.Count}. Name the run's data with --data.");
        }

        (ImageSet training, ImageSet? heldOut) = validation == 0 ? (data.Training, null) : data.Training.SplitLast(validation);
        using WorkerTeam team = new(RuleChoice.Threads(parse, _threads));
        Evaluator evaluator = new(model, team);
        Evaluation train = Evaluate(evaluator, training, data, team.Count);
        Evaluation? held = heldOut is null ? null : Evaluate(evaluator, heldOut, data, team.Count);
        Evaluation test = Evaluate(evaluator, data.Test, data, team.Count);
        if (parse.GetValue(_json))
        {
            _host.Out.WriteLine(JsonSerializer.Serialize(
                new Outcome(run.Rule, run.Network.Name, dataset, Round(train.Error), held is null ? null : Round(held.Error), Round(test.Error), [.. test.BlockErrors.Select(Round)], folder),
                ResultJson.Options));
        }
        else
        {
            _host.Out.WriteLine($"{run.Network.Name} trained with {run.Rule} on {run.Dataset}; errors on {dataset}");
            Table(train, held, test).Write(_host.Out);
        }

        return ExitCode.Done;
    }

    private Evaluation Evaluate(Evaluator evaluator, ImageSet images, ImageDataset data, int threads)
    {
        using BatchLoader loader = BatchLoader.ForEvaluation(images, data.Mean, data.StandardDeviation, threads);
        return evaluator.Evaluate(loader, _host.Interruption);
    }

    private static TextTable Table(Evaluation train, Evaluation? held, Evaluation test)
    {
        Evaluation[] columns = held is null ? [train, test] : [train, held, test];
        string[] names = held is null ? ["train", "test"] : ["train", "validation", "test"];
        TextTable table = new TextTable().Add(["", .. names]);
        for (int k = 0; k < test.BlockErrors.Count; k++)
        {
            table.Add([string.Create(CultureInfo.InvariantCulture, $"head of block {k}"), .. columns.Select(column => TextTable.Percent(column.BlockErrors[k]))]);
        }

        return table.Add(["model", .. columns.Select(column => TextTable.Percent(column.Error))]);
    }

    private static void RequireFit(LocalMixerOptions model, ImageDataset data)
    {
        ImageSet images = data.Training;
        if ((model.ImageSide, model.ImageChannels, model.Classes) != (images.Height, images.Channels, images.Classes))
        {
            throw new CommandFault(
                $"the model takes images of {model.ImageSide}x{model.ImageSide}x{model.ImageChannels} in {model.Classes} classes; {data.Source} has {images.Height}x{images.Width}x{images.Channels} in {images.Classes}. Name other data.");
        }
    }

    private static double Round(double error) => Math.Round(error, 4);

    private sealed record Outcome(
        string Rule,
        string Model,
        string Dataset,
        double TrainError,
        double? ValidationError,
        double TestError,
        IReadOnlyList<double> BlockTestErrors,
        string Run);
}
