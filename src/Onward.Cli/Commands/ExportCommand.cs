using System.CommandLine;
using System.Globalization;
using Onward.Models;
using Onward.Onnx;

namespace Onward.Cli;

/// <summary><c>onward export</c>: writes the model of a run as an ONNX file.</summary>
internal sealed class ExportCommand
{
    private readonly RunChoice _run = new(
        ValueOption.Paths("FILE", "the file to write, such as model.onnx; an existing file is overwritten"));
    private readonly EpochChoice _epoch = new("Export the model");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private ExportCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        ExportCommand export = new(host);
        Command command = new("export", "Export a trained model as an ONNX file that maps images to class probabilities.");
        export._run.AddTo(command);
        export._epoch.AddTo(command);
        command.Add(export._json);
        command.SetAction(export.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        (string folder, string[] files) = _run.Read(parse);
        if (files.Length > 1)
        {
            throw new CommandFault($"'onward export' takes one RUN and one FILE; {ParseFaults.Quote(files[1])} is a second FILE.");
        }

        TrainedModel trained = TrainedModel.Load(_host.Resolve(folder), _epoch.Read(parse));
        Network model = trained.Model;
        string path = _host.Resolve(files[0]);
        try
        {
            if (Directory.Exists(path))
            {
                throw new CommandFault(
                    $"{path} is a folder. Name a file, such as {CommandLineText.Quote(Path.Combine(path, "model.onnx"))}.");
            }

            OnnxFile.Save(trained.Model, trained.DescribeImages(_host), path, trained.Run.IsText ? null : trained.DescribeResize());
        }
        catch (NotSupportedException fault)
        {
            throw new CommandFault($"{trained.Folder}: {fault.Message} Train a smaller model.", fault);
        }
        catch (DirectoryNotFoundException fault)
        {
            throw new CommandFault($"{path}: the folder does not exist. Create it, or name another file.", fault);
        }
        catch (FileNotFoundException fault)
        {
            throw new CommandFault($"{path}: no file can be created in this folder. Name a file in another folder.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"{path} cannot be written: {fault.Message} Name a file in a writable folder.", fault);
        }

        Outcome outcome = new(
            path,
            new FileInfo(path).Length,
            OnnxFile.OperatorSet,
            trained.Run.IsText ? OnnxFile.Tokens : OnnxFile.Input,
            trained.Run.IsText ? [model.Input.Positions] : [model.Input.Height, model.Input.Width, model.Input.Channels],
            trained.Run.IsText ? "none: the input is the index of each character in onward.class_names" : trained.DescribeResize(),
            OnnxFile.OutputsOf(model),
            trained.Epoch);
        if (parse.GetValue(_json))
        {
            _host.WriteJson(outcome);
            return ExitCode.Done;
        }

        TextTable table = new();
        if (trained.Epoch is int epoch)
        {
            table.Add("epoch", epoch.ToString(CultureInfo.InvariantCulture));
        }

        string size = string.Create(CultureInfo.InvariantCulture, $"{outcome.Bytes / 1e6:0.0} MB");
        string colours = model.Input.Channels == 1 ? "grey" : "red, green, blue";
        string sizes = string.Join(", ", outcome.InputSizes), rows = trained.Run.IsText ? $"N, {model.HeadRows}" : "N";
        table
            .Add("file", $"{path}, {size}, ONNX opset {outcome.OperatorSet}")
            .Add(
                "input",
                trained.Run.IsText ? $"{outcome.Input}, int64 [N, {sizes}]" : $"{outcome.Input}, float32 [N, {sizes}], 0 to 255, {colours}")
            .Add("resize", outcome.Resize)
            .Add("outputs", $"{string.Join(", ", outcome.Outputs)}; class outputs are float32 [{rows}, {model.Classes}]")
            .Write(_host.Out, _host.OutWidth());
        return ExitCode.Done;
    }

    private sealed record Outcome(
        string File,
        long Bytes,
        int OperatorSet,
        string Input,
        IReadOnlyList<int> InputSizes,
        string Resize,
        IReadOnlyList<string> Outputs,
        int? Epoch);
}
