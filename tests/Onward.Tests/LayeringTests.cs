using System.Text.RegularExpressions;

namespace Onward.Tests;

/// <summary>The folders of the library form layers; a folder may use those below it only.</summary>
public sealed partial class LayeringTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Laboratory"] = ["Learning", "Models", "Losses", "Layers", "Kernels", "Threads"],
        ["Training"] = ["Learning", "Models", "Losses", "Layers", "Data", "Optimizers", "Formats", "Kernels", "Threads", "Communication"],
        ["Learning"] = ["Models", "Losses", "Layers", "Kernels", "Threads", "Communication"],
        ["Models"] = ["Losses", "Layers", "Kernels", "Threads"],
        ["Losses"] = ["Layers", "Kernels", "Threads"],
        ["Layers"] = ["Kernels", "Threads"],
        ["Data"] = ["Kernels", "Threads", "Communication", "Formats"],
        ["Autodiff"] = ["Kernels"],
        ["Optimizers"] = ["Kernels", "Threads"],
        ["Formats"] = [],
        ["Kernels"] = ["Threads"],
        ["Threads"] = [],
        ["Communication"] = [],
    };

    [Fact]
    public void No_folder_uses_one_above_it()
    {
        string source = Source();
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Order()];

        string[] arrows = [.. files.SelectMany(file => Faults(Path.GetRelativePath(source, file), File.ReadAllText(file)))];

        Assert.NotEmpty(files);
        Assert.Empty(arrows);
    }

    [Fact]
    public void Imaging_uses_data_and_formats_alone()
    {
        string source = Path.Combine(Path.GetDirectoryName(Source())!, "Onward.Imaging");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Order()];

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Empty(Used(File.ReadAllText(file)).Except(["Imaging", "Data", "Formats"])));
    }

    [Fact]
    public void Mpi_uses_communication_alone()
    {
        string source = Path.Combine(Path.GetDirectoryName(Source())!, "Onward.Mpi");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Order()];

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Empty(Used(File.ReadAllText(file)).Except(["Mpi", "Communication"])));
    }

    [Fact]
    public void Onnx_uses_networks_and_data_alone()
    {
        string source = Path.Combine(Path.GetDirectoryName(Source())!, "Onward.Onnx");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Order()];

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Empty(Used(File.ReadAllText(file)).Except(["Onnx", "Formats", "Models", "Layers", "Kernels", "Data"])));
    }

    [Fact]
    public void Runs_know_no_command_line()
    {
        string source = Path.Combine(Path.GetDirectoryName(Source())!, "Onward.Runs");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Order()];

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Empty(Used(File.ReadAllText(file)).Intersect(["Cli", "Mpi", "Onnx", "Laboratory"])));
        Assert.All(files, file => Assert.DoesNotContain("System.CommandLine", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Kernels/A.cs", "using Onward.Layers;", "Kernels/A.cs uses Layers")]
    [InlineData("Models/Inner/A.cs", "using System;\nusing static Onward.Learning.Rule;", "Models/Inner/A.cs uses Learning")]
    [InlineData("Data/A.cs", "global using M = Onward.Models.LocalMixer;", "Data/A.cs uses Models")]
    [InlineData("Layers/A.cs", "namespace Onward.Layers;\n\nclass A { Onward.Training.Trainer t; }", "Layers/A.cs uses Training")]
    [InlineData("Training/A.cs", "using Onward.Laboratory;", "Training/A.cs uses Laboratory")]
    [InlineData("Data/A.cs", "using Onward.Imaging;", "Data/A.cs uses Imaging")]
    [InlineData("Models/A.cs", "using Onward.Onnx;", "Models/A.cs uses Onnx")]
    [InlineData("Losses/A.cs", "using Onward.Surprise;", "Losses/A.cs uses Surprise")]
    [InlineData("Surprise/A.cs", "using System;", "Surprise/A.cs is in a folder that has no layer")]
    [InlineData("A.cs", "using System;", "A.cs is in a folder that has no layer")]
    public void Upward_arrow_is_found(string path, string text, string fault) => Assert.Equal([fault], Faults(path, text));

    [Theory]
    [InlineData("Training/A.cs", "using Onward.Learning;\nusing Onward.Optimizers;\nusing Onward.Data;")]
    [InlineData("Models/A.cs", "using Onward.Kernels;\n\nnamespace Onward.Models;\n\n/// <summary>See <see cref=\"Onward.Learning.Rule\"/>.</summary>")]
    public void Downward_arrow_passes(string path, string text) => Assert.Empty(Faults(path, text));

    private static IEnumerable<string> Faults(string path, string text)
    {
        path = path.Replace('\\', '/');
        string folder = path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : "";
        if (!MayUse.TryGetValue(folder, out string[]? below))
        {
            return [$"{path} is in a folder that has no layer"];
        }

        return Used(text).Where(used => used != folder && !below.Contains(used)).Select(used => $"{path} uses {used}");
    }

    private static IEnumerable<string> Used(string text) => text.Split('\n')
        .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
        .SelectMany(line => Reference().Matches(line))
        .Select(match => match.Groups[1].Value)
        .Distinct();

    private static string Source()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string source = Path.Combine(at.FullName, "src", "Onward");
            if (Directory.Exists(source))
            {
                return source;
            }
        }

        throw new DirectoryNotFoundException($"There is no src/Onward above {AppContext.BaseDirectory}; run the tests from a checkout.");
    }

    [GeneratedRegex(@"\bOnward\.([A-Z]\w*)")]
    private static partial Regex Reference();
}
