using System.Globalization;

namespace Onward.Reports;

/// <summary>The files of a measurement: a table and a plot.</summary>
/// <param name="Table">Path of the CSV file.</param>
/// <param name="Plot">Path of the PNG file.</param>
internal sealed record MeasurementFiles(string Table, string Plot)
{
    /// <summary>Refuses, before anything is measured, a path that cannot be a folder.</summary>
    internal static void RequireFolder(string folder)
    {
        for (string? part = Path.GetFullPath(folder); part is not null; part = Path.GetDirectoryName(part))
        {
            if (File.Exists(part))
            {
                string file = part;
                throw new RunException(
                    say => $"{say.Setting("folder")} {folder} cannot be a folder, because {file} is a file. Name another.");
            }
        }
    }

    /// <summary>Writes both files, NAME.csv and NAME.png.</summary>
    internal static MeasurementFiles Write(
        string folder, string name, IReadOnlyList<string> columns, IEnumerable<object[]> rows, Action<string> savePlot)
    {
        MeasurementFiles files = new(Path.Combine(folder, $"{name}.csv"), Path.Combine(folder, $"{name}.png"));
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllLines(files.Table, rows.Select(CsvLine).Prepend(string.Join(',', columns)));
            savePlot(files.Plot);
            return files;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                say => $"{say.Setting("folder")} {folder} cannot be written: {fault.Message} Name another folder.", fault);
        }
    }

    /// <summary>A line of such a table: numbers to six digits, nothing for null, what holds a comma in quotes.</summary>
    internal static string CsvLine(IEnumerable<object?> row) => string.Join(',', row.Select(Cell));

    private static string Cell(object? value)
    {
        string text = value is double number
            ? number.ToString("G6", CultureInfo.InvariantCulture)
            : Convert.ToString(value, CultureInfo.InvariantCulture)!;
        return text.Contains(',', StringComparison.Ordinal) ? $"\"{text}\"" : text;
    }
}
