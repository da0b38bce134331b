using System.Globalization;
using System.IO.Hashing;
using Onward.Data;
using Onward.Formats;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>Finds and reads the file of a run's initial weights.</summary>
internal static class InitialWeightsFile
{
    // Parameters or tensors that a message names.
    private const int Named = 4;

    private const string Setting = "init";

    /// <summary>Finds the weights that a path names: the model of a run's folder, or a safetensors file.</summary>
    /// <param name="path">The folder or the file.</param>
    /// <exception cref="RunException">There is no such file, or it cannot be read.</exception>
    internal static InitialWeights Find(string path)
    {
        path = Path.GetFullPath(path);
        string file = path;
        if (Directory.Exists(path))
        {
            _ = RunFolder.ReadConfiguration(path);
            file = RunFolder.ModelPathIn(path);
            if (!File.Exists(file))
            {
                throw new RunException(say =>
                    $"{say.Setting(Setting)} {path}: this run has no model yet, because no epoch has ended. Name another run.");
            }
        }

        return new InitialWeights(file, ChecksumOf(file));
    }

    /// <summary>Sets the weights of a network whose others are drawn, and tells of the parameters that the file does not have.</summary>
    /// <param name="weights">The file.</param>
    /// <param name="model">The network, its parameters drawn.</param>
    /// <param name="classes">The names of the classes; of a text, its characters.</param>
    /// <param name="host">Takes the message.</param>
    /// <exception cref="RunException">
    /// The file has changed, has no parameter of the network, or is of a run on a text of other characters.
    /// </exception>
    /// <exception cref="ModelFileException">The file cannot be read, or is damaged.</exception>
    internal static void Load(InitialWeights weights, Network model, IReadOnlyList<string> classes, RunHost host)
    {
        if (ChecksumOf(weights.Path) != weights.Checksum)
        {
            throw new RunException(say =>
                $"{say.Setting(Setting)} {weights.Path} has changed since the run was begun. Restore the file, or begin another run.");
        }

        // Vectors of an embedding stand for characters by their places.
        string folder = Path.GetDirectoryName(weights.Path)!;
        if (model.TakesIndices && File.Exists(Path.Combine(folder, RunFolder.ConfigurationName))
            && RunFolder.ReadConfiguration(folder).Images is ImageDescription text && !text.ClassNames.SequenceEqual(classes))
        {
            throw new RunException(say =>
                $"{say.Setting(Setting)} {weights.Path} has learnt a text of other characters, {text.ClassNames.Count} where this text has "
                + $"{classes.Count}. Train both on texts of the same characters.");
        }

        MatchedParameters matched = ModelFile.LoadMatching(model, weights.Path);
        if (matched.Taken.Count == 0)
        {
            throw new RunException(say =>
                $"{say.Setting(Setting)} {weights.Path}: no tensor has the name and the shape of a parameter of the network. "
                + $"The file has {List(matched.Unused)}; the network has "
                + $"{List([.. model.Values.Layout.Parameters.Select(parameter => Show(parameter, null))])}.");
        }

        host.NoticeOnce(Describe(weights.Path, matched, model.Values.Layout.Parameters.Count));
    }

    private static string Describe(string path, MatchedParameters matched, int parameters)
    {
        string drawn = matched.Missing.Count == 0 ? ""
            : $"; drawn anew: {List([.. matched.Missing.Select(missing => Show(missing.Parameter, missing.Found))])}";
        string unused = matched.Unused.Count == 0 ? "" : $"; not used: {List(matched.Unused)}";
        return string.Create(
            CultureInfo.InvariantCulture, $"{matched.Taken.Count} of {parameters} parameters are taken from {path}{drawn}{unused}.");
    }

    private static string Show(Parameter parameter, IReadOnlyList<long>? found)
    {
        string transposed = found is [long rows, long columns] && parameter.Shape.SequenceEqual([(int)columns, (int)rows])
            ? ", its transpose" : "";
        return $"{parameter.Name} [{string.Join(", ", parameter.Shape)}]"
            + (found is null ? "" : $" (the file has [{string.Join(", ", found)}]{transposed})");
    }

    private static string List(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(Named)) + (names.Count > Named ? $" and {names.Count - Named} more" : "");

    private static string ChecksumOf(string file)
    {
        try
        {
            using FileStream stream = InputFile.Open(file);
            XxHash128 hash = new();
            hash.Append(stream);
            return Convert.ToHexStringLower(hash.GetCurrentHash());
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RunException(
                say => $"{say.Setting(Setting)} {file}: no such file or folder. Name a run or a safetensors file.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException(say => $"{say.Setting(Setting)} {file} cannot be read: {fault.Message}", fault);
        }
    }
}
