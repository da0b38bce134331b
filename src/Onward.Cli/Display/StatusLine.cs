namespace Onward.Cli;

/// <summary>A line at the end of what a terminal shows, replaced while work goes on. Any other output removes it first.</summary>
internal sealed class StatusLine
{
    /// <summary>Columns of a terminal that does not say how many it has.</summary>
    internal const int DefaultWidth = 80;

    private readonly Lock _lock = new();
    private PlainText? _terminal;
    private int _length;

    /// <summary>Shows a text in place of the last one, cut to the terminal's width.</summary>
    internal void Show(PlainText terminal, string text)
    {
        lock (_lock)
        {
            _terminal = terminal;
            string fitting = Printable.Escape(text);
            fitting = fitting[..Math.Min(fitting.Length, (terminal.Width ?? DefaultWidth) - 1)];
            terminal.WriteRaw($"\r{fitting.PadRight(_length)}");
            _length = fitting.Length;
        }
    }

    /// <summary>Removes the text.</summary>
    internal void Clear()
    {
        lock (_lock)
        {
            if (_length > 0)
            {
                _terminal!.WriteRaw($"\r{new string(' ', _length)}\r");
                _length = 0;
            }
        }
    }
}
