namespace Onward.Runs;

/// <summary>
/// The errors that "Scaling Forward Gradient With Local Losses" (Ren, Kornblith, Liao, Hinton, ICLR 2023) reports in its
/// Tables 3 (supervised) and 4 (contrastive, then a linear readout).
/// </summary>
/// <remarks>From the text of the submission. S/1/1 has one block, patch and group, so its FG and LG-FG rows are the same runs.</remarks>
internal static class PaperResults
{
    private static readonly string[] Columns3 = ["MNIST-S/1/1", "MNIST-M/1/16", "CIFAR-10-M/8/16", "ImageNet-L/32/64"];

    private static readonly string[] Columns4 = ["CIFAR-10-M/8/16", "CIFAR-10-L/8/64", "ImageNet-L/32/64"];

    // Test and train error of each column in turn, in percent.
    private static readonly (string Rule, double[] Errors)[] Table3 =
    [
        ("BP", [2.66, 0.00, 2.41, 0.00, 33.62, 0.00, 36.82, 14.69]),
        ("L-BP", [2.38, 0.00, 2.16, 0.00, 30.75, 0.00, 42.38, 22.80]),
        ("LG-BP", [2.43, 0.00, 2.81, 0.00, 33.84, 0.05, 54.37, 39.66]),
        ("FA", [2.82, 0.00, 2.90, 0.00, 39.94, 28.44, 94.55, 94.13]),
        ("L-FA", [3.21, 0.00, 2.90, 0.00, 39.74, 28.98, 87.20, 85.69]),
        ("LG-FA", [3.11, 0.00, 2.50, 0.00, 39.73, 32.32, 85.45, 82.83]),
        ("DFA", [3.31, 0.00, 3.17, 0.00, 38.80, 33.69, 91.17, 90.28]),
        ("FG-W", [9.25, 8.93, 8.56, 8.64, 55.95, 54.28, 97.71, 97.58]),
        ("FG-A", [3.24, 1.53, 3.76, 1.75, 59.72, 41.29, 98.83, 98.80]),
        ("LG-FG-W", [9.25, 8.93, 5.66, 4.59, 52.70, 51.71, 97.39, 97.29]),
        ("LG-FG-A", [3.24, 1.53, 2.55, 0.00, 30.68, 19.39, 58.37, 44.86]),
    ];

    private static readonly (string Rule, double[] Errors)[] Table4 =
    [
        ("BP", [24.11, 21.08, 17.53, 13.35, 55.66, 49.79]),
        ("L-BP", [24.69, 21.80, 19.13, 13.60, 59.11, 52.50]),
        ("LG-BP", [29.63, 25.60, 23.62, 16.80, 68.36, 62.53]),
        ("FA", [45.87, 44.06, 67.93, 65.32, 82.86, 80.21]),
        ("L-FA", [37.73, 36.13, 31.05, 26.97, 83.18, 79.80]),
        ("LG-FA", [36.72, 34.06, 30.49, 25.56, 82.57, 79.53]),
        ("DFA", [46.09, 42.76, 39.26, 37.17, 93.51, 92.51]),
        ("FG-W", [53.37, 51.56, 50.45, 45.64, 91.94, 89.69]),
        ("FG-A", [54.59, 52.96, 56.63, 56.09, 97.83, 97.79]),
        ("LG-FG-W", [52.66, 50.23, 52.27, 48.67, 91.36, 88.81]),
        ("LG-FG-A", [32.88, 29.73, 26.81, 23.90, 73.24, 66.89]),
    ];

    /// <summary>Every cell: by table, then column, then row.</summary>
    internal static IReadOnlyList<PaperCell> Cells { get; } = [.. Read(3, Columns3, Table3), .. Read(4, Columns4, Table4)];

    /// <summary>The cell of a table that trains a preset on a data set; null where the paper has none.</summary>
    internal static PaperCell? Find(int table, string rule, string dataset, string model) =>
        Cells.FirstOrDefault(cell =>
            cell.Table == table && cell.Row == rule && cell.Column.Equals($"{dataset}-{model}", StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<PaperCell> Read(int table, string[] columns, (string Rule, double[] Errors)[] rows) =>
        columns.SelectMany(
            (column, i) => rows.Select(row => new PaperCell(table, row.Rule, column, row.Errors[2 * i], row.Errors[(2 * i) + 1])));
}

/// <summary>One cell of a table of the paper.</summary>
/// <param name="Table">The table's number.</param>
/// <param name="Row">The rule.</param>
/// <param name="Column">Data set and model.</param>
/// <param name="TestError">Error on the test set, in percent.</param>
/// <param name="TrainError">Error on the training set, in percent.</param>
internal sealed record PaperCell(int Table, string Row, string Column, double TestError, double TrainError)
{
    /// <summary>The data set's name in the paper.</summary>
    internal string Dataset => Column[..^(Model.Length + 1)];

    /// <summary>The preset.</summary>
    internal string Model => Column[(Column.LastIndexOf('-') + 1)..];

    /// <summary>The cell in words.</summary>
    public override string ToString() => $"Table {Table}, {Row}, {Column}";
}
