namespace Onward.Cli;

/// <summary>The last line on a terminal, which shows progress and is redrawn in place. Other output removes it first.</summary>
internal sealed class StatusLine
{
    /// <summary>The width in columns of a terminal that does not report its width.</summary>
    internal const int DefaultWidth = 80;

    private readonly Lock _lock = new();
    private PlainText? _terminal;
    private int _length;

    /// <summary>Replaces the text. It is cut to the width of the terminal.</summary>
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

    /// <summary>Removes the line.</summary>
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
